--- The reference as pages for a browser: no script, nothing from elsewhere.
-- @module doc_html
local text = require "doc_text"

local doc_html = {}

local STYLE = [[
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--line:#767676;--link:#0b57a4}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--link:#8ab8f0}}
body{margin:0 auto;max-width:60rem;padding:1rem;color:var(--ink);background:var(--paper);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}a:focus-visible{outline:3px solid var(--link)}
pre{white-space:pre-wrap;border:1px solid var(--line);padding:.5rem}
dt{font-weight:600;margin-top:.8rem}dd{margin-left:1.2rem}]]

local ESCAPES = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

local function escape(value)
  return (value:gsub('[&<>"]', ESCAPES))
end

-- A sentence, with what is between backquotes as code.
local function sentence(value)
  return (escape(value):gsub("`([^`]+)`", "<code>%1</code>"))
end

local function file_of(what, name)
  return what .. "-" .. name:gsub("[^%w_]", "-") .. ".html"
end

local function page(title, body)
  local home = title ~= "moongate" and '<nav aria-label="Reference">'
    .. '<a href="index.html">All of the reference</a></nav>\n' or ""
  return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    .. '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    .. "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n%s<main>\n<h1>%s</h1>\n%s"
    .. "</main>\n</body>\n</html>\n"):format(escape(title), STYLE, home, escape(title), body)
end

local function paragraph(value)
  return "<p>" .. sentence(value) .. "</p>\n"
end

-- The description of a module: paragraphs, and code where lines are indented.
local function prose(lines)
  local out, open = {}, nil
  local function switch(tag)
    if open ~= tag then
      out[#out + 1] = (open and "</" .. open .. ">\n" or "") .. (tag and "<" .. tag .. ">" or "")
      open = tag
    end
  end
  for _, line in ipairs(lines) do
    if line == "" then
      switch(open == "pre" and "pre" or nil)
    else
      switch(line:find "^    " and "pre" or "p")
      out[#out + 1] = (open == "pre" and escape(line:sub(5)) or sentence(line)) .. "\n"
    end
  end
  switch(nil)
  return table.concat(out)
end

local function fields(list)
  local out = {"<dl>\n"}
  for _, field in ipairs(list) do
    local marks = table.concat(text.marks(field), ", ")
    out[#out + 1] = ("<dt><code>%s</code>: %s%s</dt>\n<dd>%s%s\n"):format(
      escape(field.name), escape(text.type_of(field)), marks ~= "" and " (" .. marks .. ")" or "",
      sentence(field.help),
      field.pattern and " Matches <code>" .. escape(field.pattern) .. "</code>" or "")
    if field.example then
      out[#out + 1] = "<pre>" .. escape(field.example) .. "</pre>\n"
    end
    if field.items and #field.items > 0 then
      out[#out + 1] = fields(field.items)
    end
    out[#out + 1] = "</dd>\n"
  end
  out[#out + 1] = "</dl>\n"
  return table.concat(out)
end

local function a_function(fn)
  local out = {("<h3><code>%s</code></h3>\n"):format(escape(fn.name .. fn.arguments)),
               prose(fn.text)}
  local items = {}
  for _, param in ipairs(fn.params) do
    items[#items + 1] = ("<dt><code>%s</code>: %s%s</dt>\n<dd>%s</dd>\n"):format(
      escape(param.name), escape(param.type), param.optional and " (optional)" or "",
      sentence(param.help))
  end
  if #items > 0 then
    out[#out + 1] = "<dl>\n" .. table.concat(items) .. "</dl>\n"
  end
  for _, value in ipairs(fn.returns) do
    out[#out + 1] = paragraph(("Gives %s %s"):format(value.type, value.help))
  end
  for _, raise in ipairs(fn.raises) do
    out[#out + 1] = paragraph("Raises " .. raise)
  end
  for _, example in ipairs(fn.examples) do
    out[#out + 1] = "<pre>" .. escape(example) .. "</pre>\n"
  end
  return table.concat(out)
end

local function functions(list, title)
  local out = {#list > 0 and "<h2>" .. title .. "</h2>\n" or ""}
  for _, fn in ipairs(list) do
    out[#out + 1] = a_function(fn)
  end
  return table.concat(out)
end

local function kind_page(kind)
  local body = paragraph(kind.help) .. paragraph(("%s, api-version %s"):format(
    kind.arm_type, kind.api_version))
  if kind.parent then
    body = body .. ('<p>Within: <a href="%s">%s</a></p>\n'):format(file_of("kind", kind.parent),
                                                                  escape(kind.parent))
  end
  if kind.example then
    body = body .. "<h2>Example</h2>\n<pre>" .. escape(kind.setting .. "\n" .. kind.example)
      .. "</pre>\n"
  end
  return page(kind.name, body .. (#kind.fields > 0 and "<h2>Properties</h2>\n"
    .. fields(kind.fields) or "") .. functions(kind.verbs, "Verbs"))
end

local function module_page(module)
  local link = module.kind and ('<p>Properties: <a href="%s">%s</a></p>\n'):format(
    file_of("kind", module.kind), escape(module.kind)) or ""
  return page("module " .. module.name,
              prose(module.text) .. link .. functions(module.functions, "Functions"))
end

local function links(what, list)
  local out = {"<ul>\n"}
  for _, entry in ipairs(list) do
    out[#out + 1] = ('<li><a href="%s">%s</a>: %s</li>\n'):format(
      file_of(what, entry.name), escape(entry.name), sentence(entry.help))
  end
  out[#out + 1] = "</ul>\n"
  return table.concat(out)
end

local function index_page(reference)
  local groups, order = {}, {}
  for _, kind in ipairs(reference.kinds) do
    if not groups[kind.group] then
      groups[kind.group] = {}
      order[#order + 1] = kind.group
    end
    table.insert(groups[kind.group], kind)
  end
  local out = {"<h2>Modules</h2>\n", links("module", reference.modules)}
  for _, group in ipairs(order) do
    out[#out + 1] = ("<h2>Resources: %s</h2>\n"):format(escape(group))
    out[#out + 1] = links("kind", groups[group])
  end
  return page("moongate", table.concat(out))
end

--- The pages.
-- @tparam table reference what `doc.gather` gives
-- @treturn table of `name` and `text`
function doc_html.render(reference)
  local files = {{name = "index.html", text = index_page(reference)}}
  for _, module in ipairs(reference.modules) do
    files[#files + 1] = {name = file_of("module", module.name), text = module_page(module)}
  end
  for _, kind in ipairs(reference.kinds) do
    files[#files + 1] = {name = file_of("kind", kind.name), text = kind_page(kind)}
  end
  return files
end

return doc_html

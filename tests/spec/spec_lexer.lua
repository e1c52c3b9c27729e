-- The lexer: what Lua would read, and what it would not.
local lexer = require "lexer"
local model = require "core.model"
local test = require "test"

-- "name:x symbol:= ..." of a text; what has no end gets a `!`.
local function kinds_of(text)
  local found = {}
  for i, token in ipairs(lexer.tokens(text)) do
    found[i] = token.kind .. (token.is_open and "!" or "") .. ":" .. token.text
  end
  return table.concat(found, " ")
end

local CASES = {
  {"", ""},
  {" \t\r\n", ""},
  {"local x = nil", "keyword:local name:x symbol:= keyword:nil"},
  {"_1.a:b(...)", "name:_1 symbol:. name:a symbol:: name:b symbol:( symbol:... symbol:)"},
  {"a..b", "name:a symbol:.. name:b"},
  {"a//b~=c", "name:a symbol:// name:b symbol:~= name:c"},
  {"==", "symbol:=="},
  {"<<>>==::<=>=<~",
   "symbol:<< symbol:>> symbol:== symbol::: symbol:<= symbol:>= symbol:< symbol:~"},
  {"1 0x1p-4 3.5e+2 .5 7.", "number:1 number:0x1p-4 number:3.5e+2 number:.5 number:7."},
  {"a-1", "name:a symbol:- number:1"},
  {"1e 3x 1..2", "number:1e number:3x number:1..2"},
  {[["a\"b" 'c']], [[string:"a\"b" string:'c']]},
  {'"a\\z \n b" x', 'string:"a\\z \n b" name:x'},
  {'"a\\\nb" x', 'string:"a\\\nb" name:x'},
  {'"a\\\r\nb" x', 'string:"a\\\r\nb" name:x'},
  {'"open', 'string!:"open'},
  {'"open\nx', 'string!:"open name:x'},
  {'"open\\', 'string!:"open\\'},
  {"'", "string!:'"},
  {"[[a]]b", "string:[[a]] name:b"},
  {"[==[a]]]=]]==]b", "string:[==[a]]]=]]==] name:b"},
  {"[==[a]]", "string!:[==[a]]"},
  {"t[1]", "name:t symbol:[ number:1 symbol:]"},
  {"[=x", "symbol:[ symbol:= name:x"},
  {"x -- rest\ny", "name:x comment:-- rest name:y"},
  {"--[[a\nb]] y", "comment:--[[a\nb]] name:y"},
  {"--[=[a]]", "comment!:--[=[a]]"},
  {"--[=a\ny", "comment:--[=a name:y"},
  {"gateways.create?", "name:gateways symbol:. name:create symbol:?"},
  {"\\watch ü", "symbol:\\ name:watch symbol:ü"},
  {"\xff\0x", "symbol:\xff symbol:\0 name:x"},
}

test.case("each kind of token is told", function()
  for _, case in ipairs(CASES) do
    test.equal(kinds_of(case[1]), case[2], ("%q"):format(case[1]))
  end
end)

test.case("tokens know where they are", function()
  local tokens = lexer.tokens "a =\n  [[\n\n]] .. 'b'\n-- c\nd"
  local lines = {}
  for i, token in ipairs(tokens) do
    lines[i] = token.line
  end
  test.equal(lines, {1, 1, 2, 4, 4, 5, 6})
  test.equal(tokens[3].from, 7)
  test.equal(tokens[3].to, 13)
end)

-- Tokens in order without overlap, and nothing but blanks between.
local function check_cover(text)
  local behind = 1
  for _, token in ipairs(lexer.tokens(text)) do
    test.ok(text:sub(behind, token.from - 1):find "^%s*$", ("%q"):format(text))
    test.equal(token.text, text:sub(token.from, token.to - 1))
    test.ok(#token.text > 0)
    behind = token.to
  end
  test.ok(text:sub(behind):find "^%s*$", ("%q"):format(text))
end

test.case("any text is covered, and none raises", function()
  math.randomseed(7)
  local pieces = {"[", "]", "=", "-", '"', "'", "\\", "\n", "\r", "z", "x", "0x", "1e", ".", " ",
                  "é", "\xff", "\0", "end", "(", "~"}
  for _ = 1, 5000 do
    local parts = {}
    for i = 1, math.random(0, 12) do
      parts[i] = pieces[math.random(#pieces)]
    end
    check_cover(table.concat(parts))
  end
end)

-- Once every token stands alone between blanks, Lua still reads the same program.
test.case("all of the library has the tokens that Lua reads", function()
  for _, path in ipairs(model.files()) do
    local source = path:find "%.lua$" and model.source(path)
    if source and not source:find "^#" then
      local parts = {}
      for _, token in ipairs(lexer.tokens(source)) do
        test.equal(token.is_open, nil, path)
        if token.kind ~= "comment" then
          parts[#parts + 1] = token.text
        end
      end
      test.ok(load(table.concat(parts, " "), "=again", "t"), path)
    end
  end
end)

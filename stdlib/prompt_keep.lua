--- The lines of a session as the script that a resumed run will run.
-- @module prompt_keep
local core = require "core.prompt"

local prompt_keep = {}

local HEAD = [[
-- The lines of a session at the prompt. When the run is carried on, those that had come to a good
-- end, or to none, run again: what they wrote is answered from the journal.
require("prompt").replay {
]]

local function format_entry(entry)
  local parts = {("text = %q"):format(entry.is_secret and "" or entry.text)}
  for _, flag in ipairs {"is_background", "is_failed", "is_secret", "is_init"} do
    if entry[flag] then
      parts[#parts + 1] = flag .. " = true"
    end
  end
  return ("  {%s},\n"):format(table.concat(parts, ", "))
end

--- Has the run keep the lines, if it keeps anything.
-- @tparam table shell
function prompt_keep.keep(shell)
  if not core.keeps() then
    return
  end
  local texts = {}
  for i = shell.kept_from or 1, #shell.lines do
    local entry = shell.lines[i]
    entry.kept = entry.kept or format_entry(entry)
    texts[#texts + 1] = entry.kept
  end
  core.keep(HEAD .. table.concat(texts) .. "}\n")
end

--- A line is about to run, and is kept before it writes anything.
-- @tparam table shell
-- @tparam table entry the line, which is the last of `shell.lines` then
function prompt_keep.begin(shell, entry)
  entry.is_secret = core.has_secret(entry.text)
  shell.lines[#shell.lines + 1] = entry
  prompt_keep.keep(shell)
end

--- It ended; a line that failed or was interrupted is not for another time.
-- @tparam table shell
-- @tparam table entry
-- @tparam boolean ok
function prompt_keep.finish(shell, entry, ok)
  entry.ok, entry.is_failed = ok, not ok
  if not ok then
    entry.kept = nil
    prompt_keep.keep(shell)
  end
end

return prompt_keep

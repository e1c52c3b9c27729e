-- What specs of show share: texts as they are without a terminal.
local show = require "show"

local shown = {}

--- The text of a value at so many columns (60), without colours, 100 rows at most.
function shown.plain(value, columns, options)
  local all = {columns = columns or 60, has_color = false, most_rows = 100}
  for key, given in pairs(options or {}) do
    all[key] = given
  end
  return show.text(value, all)
end

--- The lines of a text.
function shown.lines(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line
  end
  return lines
end

return shown

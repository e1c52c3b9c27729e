--- Which modules there are.
-- @module library
local model = require "core.model"

local library = {}

-- Modules of the library that scripts do not require themselves.
local INNER = {}
for name in ([[
  access collection completion completion_command completion_found completion_hint
  completion_infer completion_phrase completion_slots completion_types difference doc
  doc_examples doc_html doc_json doc_luacats doc_text document estate extract grantee help
  help_source holders jobs jobs_bell jobs_by_hand jobs_carry jobs_decide jobs_dispatcher
  jobs_ends jobs_follow jobs_heap jobs_history jobs_known jobs_left jobs_list jobs_notice_shelf
  jobs_notice_texts jobs_notice_ways jobs_notices jobs_overview jobs_page jobs_page_access
  jobs_page_answers jobs_page_estate jobs_page_events jobs_page_metrics jobs_page_picture
  jobs_page_routes jobs_page_run jobs_page_view jobs_pauses jobs_records jobs_start jobs_survey
  jobs_texts jobs_words judgement lexer library live_names lua_manual paging past past_frame
  prompt prompt_advice prompt_argument prompt_commands prompt_commands_place
  prompt_commands_tasks prompt_commands_view prompt_keep prompt_line prompt_script prompt_shell
  prompt_text publish reference roles run_report runs scope shelf show_card show_list show_value
  snapshot testing timeline upkeep
]]):gmatch "%S+" do
  INNER[name] = true
end

local public

local function gather()
  local names = {}
  for _, name in ipairs(model.natives()) do
    names[name] = not name:find("core.", 1, true) or nil
  end
  for _, path in ipairs(model.files()) do
    local name = path:match "^stdlib/([%w_]+)%.lua$"
    names[name or ""] = name and not INNER[name] or nil
  end
  return names
end

--- Whether a module of the library is for the library alone.
-- @tparam string name
-- @treturn boolean
function library.is_inner(name)
  return INNER[name] == true
end

--- Whether scripts may require the name: a native module, or one of the library.
-- @tparam string name
-- @treturn boolean
function library.is_public(name)
  public = public or gather()
  return public[name] == true
end

--- The names of all modules that scripts may require, sorted.
-- @treturn table
function library.names()
  local names = {}
  public = public or gather()
  for name in pairs(public) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

return library

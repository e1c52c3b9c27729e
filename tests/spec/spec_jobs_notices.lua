-- Telling people of jobs: what is told, to whom, how often, by one of many hosts, and again.
local check = require "core.check"
local clock = require "clock"
local json = require "json"
local jobs_notices = require "jobs_notices"
local texts = require "jobs_notice_texts"
local tasks = require "tasks"
local test = require "test"

local equal = test.equal

local SECRET = "s3cr3t-w0rd"
local HOUR, DAY = 3600, 86400

-- --- a store and a way out ---------------------------------------------------------------------

-- A store in memory. After `dies_after` puts and removes nothing that its user does has an effect
-- any more, until the test cancels his tasks.
local function new_store()
  local store = {texts = {}, modified = {}, calls = 0}
  function store.hang_when_dead()
    if store.dead then
      tasks.sleep "10h"
    end
  end
  local function count()
    tasks.yield()
    store.hang_when_dead()
    if store.refuses then
      error(check.failure {code = "IOError", message = "the disk is full"})
    end
    store.calls = store.calls + 1
  end
  local function die()
    store.dead = store.dead or store.calls == store.dies_after
    store.hang_when_dead()
  end
  function store.put(name, text)
    count()
    assert(#name <= 1000 and not name:find "[^%w._/-]", name)
    if store.texts[name] then
      return false
    end
    store.texts[name], store.modified[name] = text, clock.now()
    die()
    return true
  end
  function store.get(name)
    tasks.yield()
    return store.texts[name]
  end
  function store.remove(name)
    count()
    store.texts[name], store.modified[name] = nil, nil
    die()
  end
  function store.list(folder)
    tasks.yield()
    if store.refuses then
      error(check.failure {code = "IOError", message = "the disk is full"})
    end
    local list = {}
    for name in pairs(store.texts) do
      if name:sub(1, #folder) == folder then
        list[#list + 1] = {name = name, modified = store.modified[name]}
      end
    end
    table.sort(list, function(a, b) return a.name < b.name end)
    return list
  end
  function store.names(part)
    local names = {}
    for name in pairs(store.texts) do
      names[#names + 1] = name:find(part, 1, true) and name or nil
    end
    table.sort(names)
    return names
  end
  -- The same texts for another process, or for the one after a death.
  function store.again()
    local other = new_store()
    other.texts, other.modified = store.texts, store.modified
    return other
  end
  return store
end

local ids = 0

-- A way out whose answers are those of the list, and then 200.
local function new_post(answers)
  local post = {sent = {}, answers = answers or {}}
  local function take(what)
    what.at = clock.now()
    post.sent[#post.sent + 1] = what
    tasks.sleep(0.1)
    local answer = table.remove(post.answers, 1) or post.always or 250
    if type(answer) == "table" and answer.code then
      error(check.failure(answer))
    elseif type(answer) == "table" then
      return answer[1], "", answer[2]
    end
    return answer, "", nil
  end
  function post.http(options)
    return take(options)
  end
  function post.mail(options)
    return (take(options))
  end
  function post.command(options)
    return (take(options))
  end
  function post.sign(secret, text)
    return ("v1,%s|%s"):format(secret, text)
  end
  function post.id()
    ids = ids + 1
    return ("msg_%04x"):format(ids)
  end
  return post
end

local NO_CONNECTION = {code = "ConnectionFailed", message = "refused"}

-- What tells, with what the test says; `logged` are its lines.
local function new_notices(own)
  local logged = {}
  local log = {}
  for _, level in ipairs {"error", "warning", "info", "debug"} do
    log[level] = function(text)
      logged[#logged + 1] = ("%s: %s"):format(level, text)
    end
  end
  own.store = own.store or new_store()
  own.post = own.post or new_post()
  own.random = own.random or function() return 0.5 end
  own.log, own.host = log, own.host or "host-a"
  own.env = own.env or function(name) return name == "HOOK" and "https://hook/" .. SECRET or nil end
  local notices = jobs_notices.new(own)
  notices.logged = logged
  return notices
end

-- The same as a process that ends when its store is dead: `kill` is that.
local function new_process(own)
  local alive = {}
  own.spawn = function(fn, ...)
    alive[#alive + 1] = tasks.spawn(fn, ...)
    return alive[#alive]
  end
  local notices = new_notices(own)
  local http = own.post.http
  function own.post.http(options)
    own.store.hang_when_dead()
    local status = http(options)
    own.store.dead = own.store.dead or own.post.is_fatal
    own.store.hang_when_dead()
    return status
  end
  function notices.kill()
    for _, task in ipairs(alive) do
      task:cancel()
    end
  end
  return notices
end

local function job(...)
  return {name = "nightly", notify = {...}}
end

local HOOK = {way = "webhook", url_env = "HOOK"}

local function slot(minute, fields)
  local entry = {key = ("20260131-19%02d00"):format(minute), status = "failed", exit_code = 1,
                 slot = clock.parse(("2026-01-31T19:%02d:00Z"):format(minute)), attempts = 2,
                 run = ("20260131-19%02d00-nightly"):format(minute), error = "it broke"}
  for name, value in pairs(fields or {}) do
    entry[name] = value
  end
  return entry
end

local function body(sent)
  return json.decode(sent.body)
end

local function never_says(notices, word)
  for _, text in ipairs(notices.logged) do
    test.equal(text:find(word, 1, true), nil, text)
  end
  for _, text in pairs(notices.store.texts) do
    test.equal(text:find(word, 1, true), nil, text)
  end
end

-- --- what is told ------------------------------------------------------------------------------

test.case("a failure is told once, and nothing of it is left to be told", function()
  local notices = new_notices {}
  notices:tell(job(HOOK), "failure", slot(0))
  equal(#notices.post.sent, 0) -- it returned before anything was done
  tasks.sleep(10)
  equal(#notices.post.sent, 1)
  local told = body(notices.post.sent[1])
  equal({told.event, told.job, told.status, told.exit_code, told.slot, told.host, told.error,
         told.version}, {"failure", "nightly", "failed", 1, "2026-01-31T19:00:00Z", "host-a",
         "it broke", 1})
  equal(notices.store.names "pending", {})
  equal(notices.store.names "told", {"jobs/notices/told/nightly/20260131-190000.failure-1.json",
                                     "jobs/notices/told/nightly/20260131-190000.failure.json"})
  equal(notices:busy(), 0)
  equal(notices.logged, {})
  never_says(notices, SECRET)
end)

test.case("of a series the first failure is told, one more a day, and the recovery",
  {timeout = "50h"}, function()
  local notices = new_notices {}
  for minute = 0, 4 do
    notices:tell(job(HOOK), "failure", slot(minute))
    tasks.sleep "1m"
  end
  equal(#notices.post.sent, 1)
  tasks.sleep(DAY)
  notices:tell(job(HOOK), "failure", slot(5))
  tasks.sleep "1m"
  equal(#notices.post.sent, 2)
  equal(body(notices.post.sent[2]).text, "job 'nightly' still fails: it failed again: it broke")
  notices:tell(job(HOOK), "recovery", slot(6, {status = "succeeded", exit_code = 0}))
  tasks.sleep "1m"
  notices:tell(job(HOOK), "recovery", slot(7, {status = "succeeded"})) -- nothing had failed
  tasks.sleep "1m"
  equal(#notices.post.sent, 3)
  equal(body(notices.post.sent[3]).event, "recovery")
  notices:tell(job(HOOK), "failure", slot(8))
  tasks.sleep "1m"
  equal(#notices.post.sent, 4) -- another series
  equal(body(notices.post.sent[4]).again, nil)
end)

test.case("failure and recovery told in one breath keep their order", function()
  local notices = new_notices {}
  notices:tell(job(HOOK), "failure", slot(0))
  notices:tell(job(HOOK), "recovery", slot(1, {status = "succeeded"}))
  notices:tell(job(HOOK), "failure", slot(2))
  tasks.sleep "1m"
  equal(#notices.post.sent, 3)
end)

test.case("late slots are told once an hour, with how many others there were", function()
  local notices = new_notices {}
  local function late(minute, fields)
    fields = fields or {}
    fields.status, fields.late, fields.error = fields.status or "running", 300, false
    local entry = slot(minute, fields)
    entry.error = nil
    notices:tell(job(HOOK), "lateness", entry)
    tasks.sleep "1m"
  end
  late(0)
  late(0)
  late(1)
  late(1)
  late(2, {status = "missed", count = 5})
  equal(#notices.post.sent, 1)
  tasks.sleep(HOUR)
  late(3)
  equal(#notices.post.sent, 2)
  equal(body(notices.post.sent[2]).others, 6)
  equal(body(notices.post.sent[2]).text, "job 'nightly' began 05:00 late, and 6 slots late before")
  equal(notices.store.names "late-", {})
end)

test.case("who asks for some events is told of those", function()
  local notices = new_notices {}
  local only = {way = "webhook", url = "https://a/", on = {recovery = true}}
  notices:tell(job(only, HOOK), "failure", slot(0))
  tasks.sleep "1m"
  notices:tell(job(only, HOOK), "recovery", slot(1, {status = "succeeded"}))
  tasks.sleep "1m"
  local urls = {}
  for _, sent in ipairs(notices.post.sent) do
    urls[#urls + 1] = sent.url
  end
  table.sort(urls)
  equal(urls, {"https://a/", "https://hook/" .. SECRET, "https://hook/" .. SECRET})
end)

test.case("what nobody wants to hear of costs nothing", function()
  local notices = new_notices {}
  local only = {way = "webhook", url = "https://a/", on = {failure = true}}
  notices:tell(job(only), "lateness", slot(0, {status = "running", late = 300}))
  notices:tell(job(), "failure", slot(0))
  equal(notices:busy(), 0)
  notices:tell(job(only), "failure", slot(1))
  tasks.sleep "1m"
  notices:tell(job(only), "recovery", slot(2, {status = "succeeded"}))
  tasks.sleep "1m"
  notices:tell(job(only), "failure", slot(3)) -- of another series
  tasks.sleep "1m"
  equal(#notices.post.sent, 2)
end)

-- --- again and again ---------------------------------------------------------------------------

test.each({{answer = NO_CONNECTION}, {answer = 408}, {answer = 429}, {answer = 500},
           {answer = 503}}, "{answer} is tried again after 1, 2, 4 seconds", function(row)
  local notices = new_notices {post = new_post {row.answer, row.answer, row.answer}}
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.sleep "1m"
  local sent = notices.post.sent
  equal(#sent, 4)
  for i, pause in ipairs {1, 2, 4} do
    test.equal(math.floor((sent[i + 1].at - sent[i].at) * 10 + 0.5) / 10, pause + 0.1)
  end
  equal(sent[1].headers[1], sent[4].headers[1]) -- the id
  equal(body(sent[1]).id, body(sent[4]).id)
  equal(#notices.logged, 2)
  never_says(notices, SECRET)
end)

test.each({{status = 400}, {status = 301}, {status = 404}, {status = 410}},
  "{status} is the end of it", {timeout = "50h"}, function(row)
  local notices = new_notices {post = new_post {row.status}}
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.sleep(DAY)
  equal(#notices.post.sent, 1)
  equal(notices.logged, {("warning: job 'nightly': webhook 1 (failure of slot 20260131-190000) is "
    .. "given up: status %d"):format(row.status)})
  equal(notices.store.names "pending", {})
end)

test.case("a receiver that asks for an hour is left alone for it, by all hosts", function()
  local store = new_store()
  local notices = new_notices {store = store, post = new_post {{429, HOUR}}}
  local other = new_notices {store = store.again(), host = "host-b",
                             find = function() return job(HOOK) end}
  notices:tell(job(HOOK), "failure", slot(0))
  for _ = 1, 58 do
    tasks.sleep "1m"
    other:sweep()
  end
  equal({#notices.post.sent, #other.post.sent}, {1, 0})
  tasks.sleep "5m"
  equal({#notices.post.sent, #other.post.sent}, {2, 0})
end)

test.case("a day of no answer is the end, and nobody else begins meanwhile",
  {timeout = "50h"}, function()
  local post = new_post()
  post.always = 503
  local store = new_store()
  local notices = new_notices {store = store, post = post}
  local other = new_notices {store = store.again(), host = "host-b",
                             find = function() return job(HOOK) end}
  notices:tell(job(HOOK), "failure", slot(0))
  for _ = 1, 26 * 60 do
    tasks.sleep "1m"
    other:sweep()
  end
  equal(#other.post.sent, 0)
  equal(#post.sent > 280 and #post.sent < 400, true)
  equal(#notices.logged, 2)
  equal(notices.logged[2]:find "given up: status 503$" ~= nil, true)
  equal(store.names "pending", {})
end)

test.case("what waits for its next try keeps nobody else from being told", function()
  local post = new_post()
  post.always = 503
  local notices = new_notices {post = post}
  local slow = {way = "webhook", url = "https://slow/"}
  for i = 1, 20 do
    notices:tell({name = "job-" .. i, notify = {slow}}, "failure", slot(0))
  end
  tasks.sleep "10m"
  post.always = nil
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.sleep(2)
  equal(post.sent[#post.sent].url, "https://hook/" .. SECRET)
end)

test.case("at most 8 are told at once, 1,000 wait, and what is dropped is logged", function()
  local post = new_post()
  local most, now = 0, 0
  local http = post.http
  function post.http(options)
    now = now + 1
    most = math.max(most, now)
    local status = http(options)
    now = now - 1
    return status
  end
  local notices = new_notices {post = post, find = function() return job(HOOK) end}
  for i = 1, 1005 do
    notices:tell({name = "job-" .. i, notify = {HOOK}}, "failure", slot(0))
  end
  equal(#notices.logged, 5)
  equal(notices.logged[1],
    "warning: a notice of job 'job-1001' (failure) is dropped: 1000 wait already")
  for _ = 1, 100 do
    tasks.sleep "10s"
    notices:sweep()
  end
  equal({#post.sent, most, notices:busy()}, {1000, 8, 0})
end)

test.case("a variable that is not set is tried again, and named", function()
  local notices = new_notices {env = function() end}
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.sleep "1m"
  equal(#notices.post.sent, 0)
  equal(#notices.logged, 1)
  equal(notices.logged[1]:find("the variable HOOK is not set", 1, true) ~= nil, true)
end)

test.case("a store that refuses for a while loses nothing, and raises nothing", function()
  local store = new_store()
  local notices = new_notices {store = store}
  store.refuses = true
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.sleep "10m"
  equal(#notices.post.sent, 0)
  equal(#notices.logged, 1)
  store.refuses = false
  tasks.sleep "10m"
  equal(#notices.post.sent, 1)
  store.refuses = true
  local _, why = tasks.try(notices.note, notices, job(HOOK), "failure", slot(1))
  equal(why.code, "IOError")
end)

test.case("at the end what is being told is told, and the rest is left to others", function()
  local store = new_store()
  local find = function() return job(HOOK) end
  local post = new_post {200, 503}
  local notices = new_notices {store = store, post = post, find = find}
  local other = new_notices {store = store.again(), find = find, host = "host-b"}
  notices:tell(job(HOOK), "failure", slot(0))
  tasks.yield()
  notices:close()
  equal({#post.sent, notices:busy()}, {1, 0})
  notices:tell(job(HOOK), "recovery", slot(1, {status = "succeeded"}))
  equal(notices.logged, {"warning: a notice of job 'nightly' (recovery) is dropped: "
                         .. "the program ends"})
  local second = new_notices {store = store.again(), post = post, find = find}
  second:tell(job(HOOK), "recovery", slot(1, {status = "succeeded"}))
  tasks.sleep(0.5)
  second:close()
  tasks.sleep "10m"
  equal(#post.sent, 2) -- it waits no more
  other:sweep()
  tasks.sleep(1)
  equal(#other.post.sent, 1)
  equal(store.names "pending", {})
end)

-- --- many hosts, and their deaths --------------------------------------------------------------

test.case("what two hosts tell at once is told once", function()
  local store = new_store()
  local a, b = new_notices {store = store}, new_notices {store = store.again(), host = "host-b"}
  a:tell(job(HOOK), "failure", slot(0))
  b:tell(job(HOOK), "failure", slot(0))
  tasks.sleep "1m"
  a:tell(job(HOOK), "failure", slot(0))
  b:note(job(HOOK), "failure", slot(0))
  tasks.sleep(HOUR)
  equal(#a.post.sent + #b.post.sent, 1)
  equal(store.names "pending", {})
end)

-- What a process does with the store: the first term, that the failure is told, how it ended, and
-- the term goes.
test.each({{after = "the note", step = 1, sent = 1}, {after = "the mark", step = 2, sent = 2},
           {after = "the POST", is_fatal = true, sent = 2}, {after = "the end", step = 3, sent = 1},
           {after = "all", step = 4, sent = 1}},
  "who dies after {after} is followed by another", function(row)
  local store = new_store()
  local find = function() return job(HOOK) end
  local dying = new_process {store = store, find = find}
  local other = new_notices {store = store.again(), host = "host-b", find = find}
  store.dies_after, dying.post.is_fatal = row.step, row.is_fatal
  dying:tell(job(HOOK), "failure", slot(0))
  tasks.sleep "1m"
  equal(store.dead, true)
  dying.kill()
  equal(#store.names "pending", row.after == "all" and 0 or 1)
  other:sweep() -- too early: its owner may live
  equal(#other.post.sent, 0)
  for _ = 1, 30 do
    tasks.sleep "1m"
    other:sweep()
  end
  local sent = {table.unpack(dying.post.sent)}
  table.move(other.post.sent, 1, #other.post.sent, #sent + 1, sent)
  equal(#sent, row.sent)
  for _, one in ipairs(sent) do
    equal(body(one).id, body(sent[1]).id)
  end
  equal(store.names "pending", {})
end)

test.case("a note of a job that nobody knows is left to others, and given up after a day",
  {timeout = "50h"}, function()
  local store = new_store()
  local dying = new_process {store = store}
  local other = new_notices {store = store.again(), host = "host-b"}
  store.dies_after = 1
  dying:tell(job(HOOK), "failure", slot(0))
  tasks.sleep(1)
  dying.kill()
  for _ = 1, 23 do
    tasks.sleep(HOUR)
    other:sweep()
  end
  equal(#other.logged, 0)
  tasks.sleep "2h"
  other:sweep()
  tasks.sleep "1m"
  equal(#other.post.sent, 0)
  equal(#other.logged, 1)
  equal(store.names "pending", {})
end)

test.case("a damaged note is told of once and stops nothing", function()
  local store = new_store()
  local notices = new_notices {store = store}
  store.texts["jobs/notices/pending/20260131-190000.nightly.failure-1.1.json"] = "{"
  store.texts["jobs/notices/pending/20260131-190000.nightly.failure-2.1.json"] = '{"at":"x"}'
  store.texts["jobs/notices/pending/else"] = "x"
  notices:sweep()
  notices:sweep()
  equal(#notices.logged, 2)
end)

-- --- the ways ----------------------------------------------------------------------------------

test.case("a webhook is signed as Standard Webhooks says", function()
  local notices = new_notices {env = function(name) return "value-of-" .. name end}
  notices:tell(job {way = "webhook", url = "https://a/", secret_env = "KEY"}, "failure", slot(0))
  tasks.sleep "1m"
  local sent = notices.post.sent[1]
  local id, stamp = sent.headers[1]:match "^webhook%-id: (.*)$", sent.headers[2]:match "(%d+)$"
  equal(sent.headers[2], "webhook-timestamp: " .. stamp)
  equal(math.abs(tonumber(stamp) - sent.at) <= 1, true)
  equal(sent.headers[3], ("webhook-signature: v1,value-of-KEY|%s.%s.%s"):format(id, stamp,
    sent.body))
  equal(sent.headers[4], "Content-Type: application/json")
end)

local HOSTILE = "<!channel> <at>All</at> [x](http://evil/) *b* `c` ```d``` & "
  .. "\r\nBcc: x@y\0\27[31m\xff"

test.case("what an error holds is text for Teams", function()
  local notices = new_notices {}
  notices:tell(job {way = "teams", url = "https://a/"}, "failure", slot(0, {error = HOSTILE}))
  tasks.sleep "1m"
  local message = body(notices.post.sent[1])
  equal(message.type, "message")
  local card = message.attachments[1]
  equal(card.contentType, "application/vnd.microsoft.card.adaptive")
  for _, block in ipairs(card.content.body) do
    equal(block.type, "RichTextBlock") -- which knows no Markdown
  end
  equal(card.content.msteams, nil) -- no entities: nobody is mentioned
end)

test.case("what an error holds is text for Slack", function()
  local notices = new_notices {}
  notices:tell(job {way = "slack", url = "https://a/"}, "failure",
    slot(0, {error = HOSTILE, reason = HOSTILE}))
  tasks.sleep "1m"
  local message = body(notices.post.sent[1])
  local blocks = message.blocks
  equal(message.mrkdwn, false)
  equal(blocks[1].text.type, "plain_text")
  local said = blocks[#blocks].text.text
  equal(said:sub(1, 3) .. said:sub(-3), "``````")
  equal(said:sub(4, -4):find "[<>`]", nil)
  equal(said:find("&lt;!channel&gt;", 1, true) ~= nil, true)
  equal(blocks[2].text.text:find "[<>]", nil)
end)

test.case("each receiver of a mail gets his own, and a refusal is the end for one of them", function()
  local notices = new_notices {post = new_post {250, 550, 451, 250}}
  local target = {way = "mail", server = "smtp://mail:25", from = "jobs@corp.example",
                  to = {"a@corp.example", "b@corp.example", "c@corp.example"}}
  notices:tell(job(target), "failure", slot(0, {error = HOSTILE}))
  tasks.sleep "1m"
  local sent, receivers = notices.post.sent, {}
  for i, mail in ipairs(sent) do
    receivers[i] = mail.receiver
    equal(mail.id, sent[1].id)
    equal(mail.subject, "[moongate] job 'nightly' failed")
    equal(mail.text:find "[%z\27\xff\r]", nil)
  end
  equal(receivers, {"a@corp.example", "b@corp.example", "c@corp.example", "c@corp.example"})
  equal(notices.logged[#notices.logged],
    "warning: job 'nightly': mail 1 (failure of slot 20260131-190000) is given up: "
    .. "1 of 3 receivers: status 550")
end)

test.case("a server that is away is asked once for all receivers", function()
  local notices = new_notices {post = new_post {NO_CONNECTION}}
  local target = {way = "mail", server = "smtp://mail:25", from = "jobs@corp.example",
                  user = "u", password_env = "PASSWORD",
                  to = {"a@corp.example", "b@corp.example"}}
  notices.env = function() return SECRET end
  notices:tell(job(target), "failure", slot(0))
  tasks.sleep "1m"
  equal(#notices.post.sent, 3)
  equal(notices.post.sent[3].password, SECRET)
  never_says(notices, SECRET)
end)

test.each({{code = 0, tries = 1, lines = 0}, {code = 75, tries = 2, lines = 2},
           {code = 1, tries = 1, lines = 1}}, "a command that ends with {code}", function(row)
  local notices = new_notices {post = new_post {row.code, 0}}
  notices:tell(job {way = "command", command = {"tell", "me"}}, "failure",
    slot(0, {error = HOSTILE}))
  tasks.sleep "1m"
  equal(#notices.post.sent, row.tries)
  equal(#notices.logged, row.lines)
  local sent = notices.post.sent[1]
  equal(sent.words, {"tell", "me"})
  for _, variable in ipairs(sent.environment) do
    equal(variable:find "^MOONGATE_NOTICE[A-Z_]*=" ~= nil, true)
    equal(variable:find "%z", nil)
  end
  equal(json.decode(sent.environment[1]:match "=(.*)$").job, "nightly")
end)

test.case("what an entry holds beyond that is not kept, and times are milliseconds", function()
  equal(texts.entry {key = "k", slot = 1769886000, duration = 0.11199998, attempts = 2, claim = {},
                     late = "x", error = 7},
    {key = "k", slot = 1769886000, duration = 0.112, attempts = 2, error = "7"})
end)

test.case("a long error is cut, between characters", function()
  local note = {id = "msg_1", job = "nightly", event = "failure", key = "k", at = 0,
                host = "h", entry = texts.entry {error = ("é"):rep(5000), key = "k"}}
  equal(utf8.len(json.decode(texts.webhook(note)).error), 1000)
end)

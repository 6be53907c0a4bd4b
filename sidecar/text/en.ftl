# Every sentence a person reads in Mattermost. `nl.ftl` has the same keys with the same variables; a test compares them.
# Values come in harmless already: no Markdown of ours may stand directly around one, except where a test looks at it.

## Words of the card

state-waiting = Waiting since { $time }
state-answered = Answered at { $time }
state-resolved = Resolved at { $time }
state-undelivered = Not delivered
nobody = nobody
website-chat = Website chat
started-at = started at { $time }
open-in-ireserve = Open in i-Reserve
email = E-mail
phone = Phone
visitor-unknown = Visitor
visitor-numbered = Visitor { $code }
assistant = Assistant
system = System

## A conversation that goes on elsewhere

continued = Continued from [#{ $number }]({ $link }).
continued-deleted = The former thread of this conversation was deleted.
continues = This conversation continues in [a new thread]({ $link }).

## Lines in the thread

withdrawn = *{ $visitor } withdrew this message ({ $time }).*
file-failed = 📎 { $file } could not be copied: { $reason }.
parked = ⚠️ A message from { $visitor } ({ $time }) can't be shown here: { $reason }.
parked-nobody = ⚠️ Something that happened at { $time } can't be shown here: { $reason }.
line-assigned = { $user } got this conversation from { $by }.
line-unassigned = Nobody has this conversation now.
line-closed = { $by } resolved this conversation.
line-reopened = { $by } reopened this conversation.
visitor-offline = { $visitor } is not on the page right now and sees your reply later.
visitor-closed = { $visitor } closed the chat. Your reply is in the conversation.

## When something is wrong

key-refused = i-Reserve refuses our key for { $licence } since { $time }. Replies wait and are kept. Connect again to go on: `/ireserve setup`.
key-refused-alone = i-Reserve refuses our key for { $licence } since { $time }. Replies wait and are kept. Compare the licence key or `ireserve.secrets` with i-Reserve to go on.

## What became of a reply

undelivered = ⚠️ @{ $user }, your reply was not delivered to { $visitor }: { $reason }. Your text is kept.
first-note = 🔒 This stays inside the team because it starts with `{ $prefix }`.
first-mention = 🔒 This stays inside the team because it starts with an { "@\u2060" }mention.
first-sent = ✅ Sent to { $visitor }. You see this mark on every reply that went out.
first-inside = 🔒 In this channel replies stay inside the team. To send one: `/ireserve reply`.
not-allowed = Your reply was not sent: only { $who } can answer visitors here.
link-removed = I left out a link that only your team can open.

## Reasons, as the end of a sentence

reason-gone = the conversation no longer exists in i-Reserve
reason-closed = the conversation is closed in i-Reserve
reason-blocked = the visitor is blocked
reason-too-long = the text is too long (limit { $limit })
reason-file-too-big = the file is too big (limit { $size })
reason-answered = i-Reserve answered { $status }
reason-unreachable = i-Reserve could not be reached for too long
reason-refused = Mattermost does not accept it
reason-too-old = it waited for too long
reason-behind = the message it belongs to can't be shown either
reason-unreadable = it can't be read
reason-file-unreachable = it could not be fetched
reason-file-answered = its server answered { $status }
reason-file-forbidden = its address is not allowed
reason-file-changed = it is not the file that was announced
reason-file-off = files are shown as links here
reason-no-answer = no answer
reason-other = something went wrong

## Notifications without a title

notification-booking-created = New booking
notification-booking-confirmed = Booking confirmed
notification-booking-changed = Booking changed
notification-booking-cancelled = Booking cancelled
notification-booking-no-show = Guest did not show up
notification-booking-payment-changed = Payment changed

## What is said to one person

setup-paused = Set-up paused. Nothing is lost: continue with `/ireserve setup`.
setup-elsewhere = Type `/ireserve setup` in the channel where conversations should appear.
setup-connected = ✅ Connected to **{ $licence }**. i-Reserve answers in { $ms } ms and can reach this server.
setup-connected-out = ✅ Connected to **{ $licence }**. i-Reserve answers in { $ms } ms.
setup-waiting = Nothing received from i-Reserve yet. It must be able to reach `{ $address }`.
setup-here = Conversations appear in ~{ $channel }. Replies in threads go to visitors. Type `/ireserve help` to start.
setup-not-kept = This could not be kept just now. Nothing was changed. Try again in a minute.
setup-unreachable = This server can't reach { $host }: { $reason }. Check the firewall or proxy.
setup-answered = i-Reserve at { $host } answered { $status }. Nothing was changed. Try again in a minute.
map-public = **Note:** ~{ $channel } is public: everyone in team { $team } can read visitors' messages. A channel admin can make it private in the channel settings.
map-fixed = This is set in the sidecar's configuration file (`{ $setting }`), so I can't change it here.
key-not-one = That is not a licence key. It starts with `ir1.`
key-incomplete = That key is incomplete: the end is missing. Copy it again.
key-typo = That key contains a mistake. Copy it instead of typing it.
key-not-taken = i-Reserve refused this key ({ $status }). It may have been withdrawn.
dialog-key-title = Connect i-Reserve
dialog-key-field = Licence key
dialog-key-help = Copy it in i-Reserve under Settings → Mattermost.
dialog-key-submit = Connect
button-set-up = Set up now
not-set-up = i-Reserve is not connected yet. A system admin can do this in about 3 minutes.
not-set-up-admin = i-Reserve is not connected yet. Run `/ireserve setup` (about 3 minutes).
no-right-admin = Only system admins can do this.
unknown-verb = I don't know `{ $word }`. Did you mean `/ireserve { $verb }`? All commands: `/ireserve help commands`.
unknown-word = I don't know `{ $word }`. All commands: `/ireserve help commands`.
help-title = ###### i-Reserve: answering visitors
help-reply = **Reply in a conversation's thread** and the visitor gets it. Start with `note:` to keep it inside the team.
help-ask-first = **Replies stay inside the team** until you start one with `>>`.
help-alerts = This channel only shows conversations. Replies do not go to visitors.
help-more-notes = * `/ireserve help notes` - how internal notes work
help-marks = ✅ sent · 🔒 inside the team · ⚠️ not delivered
help-all = All commands: `/ireserve help commands`
help-admin = For system admins: `/ireserve setup`, `status`
help-notes = A reply stays inside the team when it starts with `note:`, `internal:` or `//`, or with an { "@\u2060" }mention of a colleague. You see 🔒 on it.
help-unmapped = This channel is not connected to i-Reserve.
help-unmapped-admin = This channel is not connected to i-Reserve. To connect it: `/ireserve setup`.
help-setup = A system admin connects i-Reserve with `/ireserve setup`, in the channel where conversations should appear.
help-setup-admin = Copy your licence key in i-Reserve (Settings → Mattermost). Then type `/ireserve setup` in the channel where conversations should appear, and paste it.
commands-title = ###### i-Reserve: all commands
command-setup = * `/ireserve setup` - connect i-Reserve with this channel
command-status = * `/ireserve status` - how everything is
command-help = * `/ireserve help` - help, about `replies`, `notes`, `commands` or `setup`
command-about = * `/ireserve about` - which version this is
about = **i-Reserve for Mattermost** · sidecar { $version } · plugin { $plugin } · Mattermost { $server }
tree = Conversations and notifications from i-Reserve.
tree-setup = Connect i-Reserve with this channel
tree-status = How everything is
tree-help = How to answer visitors
tree-help-hint = [topic]
tree-help-topic = What you want to know about
tree-about = Which version this is
topic-replies = Answering visitors
topic-notes = What stays inside the team
topic-commands = All commands
topic-setup = Connecting i-Reserve
status-head = **i-Reserve { $version }** · { $state }
status-working = 🟢 Working
status-attention = 🟡 Needs attention
status-down = 🔴 Not working
status-ireserve = { $sign } i-Reserve: { $licence } · { $heard }
status-heard = last event { $ago } ago
status-not-heard = no event since the start
status-mattermost = 🟢 Mattermost: { $version } · { $latency } ms
status-mattermost-silent = 🔴 Mattermost: no answer
status-mattermost-token = 🔴 Mattermost: refuses the bot's token; a new one is being made
status-sidecar = 🟢 Sidecar: { $mode } · up { $up }
status-sidecar-node = 🟢 Sidecar: { $mode }, node { $node } · up { $up }
status-store = 🟢 Store: { $kind } · { $size } · { $free } free
status-store-elsewhere = 🟢 Store: { $kind } · { $size }
status-store-silent = 🔴 Store: no answer
store-built-in = built in
status-queue = { $sign } Queue: { $out } to visitors · { $in } to Mattermost · { $refused } refused
status-channels = { $sign } Channels: { $count } connected
status-channels-waiting = 🟡 Channels: { $count } connected · can't post in { $channels }
status-webhook = ⚪ Webhook: { $channel } · does not arrive · not needed
status-setting = 🟡 Setting `{ $setting }` is wrong and not used
status-here = 🟢 { $channel }: connected to **{ $licence }**
status-not-here = ⚪ { $channel }: not connected
span-seconds = { $large } s
span-minutes = { $large } min
span-hours = { $large } h { $small } min
span-days = { $large } d { $small } h

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
reason-other = something went wrong

## Notifications without a title

notification-booking-created = New booking
notification-booking-confirmed = Booking confirmed
notification-booking-changed = Booking changed
notification-booking-cancelled = Booking cancelled
notification-booking-no-show = Guest did not show up
notification-booking-payment-changed = Payment changed

# Elke zin die iemand in Mattermost leest. `en.ftl` heeft dezelfde sleutels met dezelfde variabelen; een test vergelijkt ze.
# Waarden komen al onschadelijk binnen: direct eromheen staat geen opmaak van ons, behalve waar een test ernaar kijkt.

## When something is wrong

key-refused = i-Reserve weigert onze sleutel voor { $licence } sinds { $time }. Antwoorden wachten en blijven bewaard. Koppel opnieuw om verder te gaan: `/ireserve setup`.
key-refused-alone = i-Reserve weigert onze sleutel voor { $licence } sinds { $time }. Antwoorden wachten en blijven bewaard. Vergelijk de licentiesleutel of `ireserve.secrets` met i-Reserve om verder te gaan.

## Woorden van de kaart

state-waiting = Wacht sinds { $time }
state-answered = Beantwoord om { $time }
state-resolved = Afgerond om { $time }
state-undelivered = Niet afgeleverd
nobody = niemand
website-chat = Websitechat
started-at = begonnen om { $time }
open-in-ireserve = Openen in i-Reserve
email = E-mail
phone = Telefoon
visitor-unknown = Bezoeker
visitor-numbered = Bezoeker { $code }
assistant = Assistent
system = Systeem

## Een gesprek dat ergens anders verdergaat

continued = Vervolg van [#{ $number }]({ $link }).
continued-deleted = Het vorige draadje van dit gesprek is verwijderd.
continues = Dit gesprek gaat verder in [een nieuw draadje]({ $link }).

## Regels in het draadje

withdrawn = *{ $visitor } heeft dit bericht ingetrokken ({ $time }).*
file-failed = 📎 { $file } kon niet worden gekopieerd: { $reason }.
parked = ⚠️ Een bericht van { $visitor } ({ $time }) kan hier niet worden getoond: { $reason }.
parked-nobody = ⚠️ Iets wat om { $time } gebeurde, kan hier niet worden getoond: { $reason }.
line-assigned = { $user } heeft dit gesprek gekregen van { $by }.
line-unassigned = Niemand heeft dit gesprek nu.
line-closed = { $by } heeft dit gesprek afgerond.
line-reopened = { $by } heeft dit gesprek heropend.
visitor-offline = { $visitor } is nu niet op de pagina en ziet je antwoord later.
visitor-closed = { $visitor } heeft de chat gesloten. Je antwoord staat in het gesprek.

## Wat er van een antwoord is geworden

undelivered = ⚠️ @{ $user }, je antwoord is niet afgeleverd bij { $visitor }: { $reason }. Je tekst is bewaard.
first-note = 🔒 Dit blijft binnen het team, omdat het begint met `{ $prefix }`.
first-mention = 🔒 Dit blijft binnen het team, omdat het begint met een { "@\u2060" }vermelding.
first-sent = ✅ Verzonden naar { $visitor }. Dit teken zie je bij elk antwoord dat is verstuurd.
first-inside = 🔒 In dit kanaal blijven antwoorden binnen het team. Toch versturen? Typ `/ireserve reply`.
not-allowed = Je antwoord is niet verstuurd: alleen { $who } kunnen hier bezoekers antwoorden.
link-removed = Ik heb een link weggelaten die alleen je team kan openen.

## Redenen, als einde van een zin

reason-gone = het gesprek bestaat niet meer in i-Reserve
reason-closed = het gesprek is gesloten in i-Reserve
reason-blocked = de bezoeker is geblokkeerd
reason-too-long = de tekst is te lang (maximaal { $limit })
reason-file-too-big = het bestand is te groot (maximaal { $size })
reason-answered = i-Reserve antwoordde { $status }
reason-unreachable = i-Reserve was te lang niet bereikbaar
reason-refused = Mattermost neemt het niet aan
reason-too-old = het heeft te lang gewacht
reason-behind = het bericht waar het bij hoort, kan ook niet worden getoond
reason-unreadable = het is niet te lezen
reason-file-unreachable = het kon niet worden opgehaald
reason-file-answered = de server ervan antwoordde { $status }
reason-file-forbidden = het adres ervan is niet toegestaan
reason-file-changed = het is niet het bestand dat was aangekondigd
reason-file-off = bestanden worden hier als link getoond
reason-no-answer = geen antwoord
reason-other = er ging iets mis

## Meldingen zonder titel

notification-booking-created = Nieuwe boeking
notification-booking-confirmed = Boeking bevestigd
notification-booking-changed = Boeking gewijzigd
notification-booking-cancelled = Boeking geannuleerd
notification-booking-no-show = Gast kwam niet opdagen
notification-booking-payment-changed = Betaling gewijzigd

## Wat tegen één persoon gezegd wordt

setup-paused = Het instellen is gepauzeerd. Er is niets verloren: ga verder met `/ireserve setup`.
setup-elsewhere = Typ `/ireserve setup` in het kanaal waar gesprekken moeten verschijnen.
setup-connected = ✅ Gekoppeld aan **{ $licence }**. i-Reserve antwoordt in { $ms } ms en kan deze server bereiken.
setup-connected-out = ✅ Gekoppeld aan **{ $licence }**. i-Reserve antwoordt in { $ms } ms.
setup-waiting = Nog niets ontvangen van i-Reserve. i-Reserve moet `{ $address }` kunnen bereiken.
setup-here = Gesprekken verschijnen in ~{ $channel }. Antwoorden in draadjes gaan naar bezoekers. Typ `/ireserve help` om te beginnen.
setup-not-kept = Dit kon nu niet bewaard worden. Er is niets gewijzigd. Probeer het over een minuut opnieuw.
setup-unreachable = Deze server kan { $host } niet bereiken: { $reason }. Controleer de firewall of proxy.
setup-answered = i-Reserve op { $host } antwoordde { $status }. Er is niets gewijzigd. Probeer het over een minuut opnieuw.
map-public = **Let op:** ~{ $channel } is openbaar: iedereen in team { $team } kan berichten van bezoekers lezen. Een kanaalbeheerder kan het privé maken in de kanaalinstellingen.
map-fixed = Dit staat in het configuratiebestand van de sidecar (`{ $setting }`); ik kan het hier dus niet wijzigen.
key-not-one = Dat is geen licentiesleutel. Een sleutel begint met `ir1.`
key-incomplete = Die sleutel is niet compleet: het einde ontbreekt. Kopieer hem opnieuw.
key-typo = Er zit een fout in die sleutel. Kopieer hem in plaats van hem over te typen.
key-not-taken = i-Reserve weigert deze sleutel ({ $status }). Misschien is hij ingetrokken.
dialog-key-title = i-Reserve koppelen
dialog-key-field = Licentiesleutel
dialog-key-help = Kopieer hem in i-Reserve onder Instellingen → Mattermost.
dialog-key-submit = Koppelen
button-set-up = Nu instellen
not-set-up = i-Reserve is nog niet gekoppeld. Een systeembeheerder kan dat in ongeveer 3 minuten doen.
not-set-up-admin = i-Reserve is nog niet gekoppeld. Typ `/ireserve setup` (ongeveer 3 minuten).
no-right-admin = Alleen systeembeheerders kunnen dit.
unknown-verb = `{ $word }` ken ik niet. Bedoel je `/ireserve { $verb }`? Alle opdrachten: `/ireserve help commands`.
unknown-word = `{ $word }` ken ik niet. Alle opdrachten: `/ireserve help commands`.
help-title = ###### i-Reserve: zo antwoord je bezoekers
help-reply = **Antwoord in het draadje van een gesprek** en de bezoeker krijgt je bericht. Begin met `notitie:` om het binnen het team te houden.
help-ask-first = **Antwoorden blijven binnen het team**, tot je er een begint met `>>`.
help-alerts = Dit kanaal toont alleen gesprekken. Antwoorden gaan niet naar bezoekers.
help-more-notes = * `/ireserve help notes` - zo werken interne notities
help-marks = ✅ verzonden · 🔒 binnen het team · ⚠️ niet afgeleverd
help-all = Alle opdrachten: `/ireserve help commands`
help-admin = Voor systeembeheerders: `/ireserve setup`, `status`
help-notes = Een antwoord blijft binnen het team als het begint met `notitie:`, `intern:` of `//`, of met een { "@\u2060" }vermelding van een collega. Je ziet er 🔒 bij staan.
help-unmapped = Dit kanaal is niet gekoppeld aan i-Reserve.
help-unmapped-admin = Dit kanaal is niet gekoppeld aan i-Reserve. Koppelen? Typ `/ireserve setup`.
help-setup = Een systeembeheerder koppelt i-Reserve met `/ireserve setup`, in het kanaal waar gesprekken moeten verschijnen.
help-setup-admin = Kopieer je licentiesleutel in i-Reserve (Instellingen → Mattermost). Typ daarna `/ireserve setup` in het kanaal waar gesprekken moeten verschijnen, en plak hem.
commands-title = ###### i-Reserve: alle opdrachten
command-setup = * `/ireserve setup` - i-Reserve koppelen aan dit kanaal
command-status = * `/ireserve status` - hoe alles ervoor staat
command-help = * `/ireserve help` - uitleg, over `replies`, `notes`, `commands` of `setup`
command-about = * `/ireserve about` - welke versie dit is
about = **i-Reserve voor Mattermost** · sidecar { $version } · plugin { $plugin } · Mattermost { $server }
tree = Gesprekken en meldingen van i-Reserve.
tree-setup = i-Reserve koppelen aan dit kanaal
tree-status = Hoe alles ervoor staat
tree-help = Zo antwoord je bezoekers
tree-help-hint = [onderwerp]
tree-help-topic = Waar je meer over wilt weten
tree-about = Welke versie dit is
topic-replies = Bezoekers antwoorden
topic-notes = Wat binnen het team blijft
topic-commands = Alle opdrachten
topic-setup = i-Reserve koppelen
status-head = **i-Reserve { $version }** · { $state }
status-working = 🟢 Werkt
status-attention = 🟡 Vraagt aandacht
status-down = 🔴 Werkt niet
status-ireserve = { $sign } i-Reserve: { $licence } · { $heard }
status-heard = laatste gebeurtenis { $ago } geleden
status-not-heard = geen gebeurtenis sinds de start
status-mattermost = 🟢 Mattermost: { $version } · { $latency } ms
status-mattermost-silent = 🔴 Mattermost: geen antwoord
status-mattermost-token = 🔴 Mattermost: weigert het token van de bot; er wordt een nieuw gemaakt
status-sidecar = 🟢 Sidecar: { $mode } · { $up } actief
status-sidecar-node = 🟢 Sidecar: { $mode }, node { $node } · { $up } actief
status-store = 🟢 Opslag: { $kind } · { $size } · { $free } vrij
status-store-elsewhere = 🟢 Opslag: { $kind } · { $size }
status-store-silent = 🔴 Opslag: geen antwoord
store-built-in = ingebouwd
status-queue = { $sign } Wachtrij: { $out } naar bezoekers · { $in } naar Mattermost · { $refused } geweigerd
status-channels = { $sign } Kanalen: { $count } gekoppeld
status-channels-waiting = 🟡 Kanalen: { $count } gekoppeld · kan niet plaatsen in { $channels }
status-webhook = ⚪ Webhook: { $channel } · komt niet aan · niet nodig
status-setting = 🟡 Instelling `{ $setting }` klopt niet en wordt niet gebruikt
status-here = 🟢 { $channel }: gekoppeld aan **{ $licence }**
status-not-here = ⚪ { $channel }: niet gekoppeld
span-seconds = { $large } s
span-minutes = { $large } min
span-hours = { $large } u { $small } min
span-days = { $large } d { $small } u

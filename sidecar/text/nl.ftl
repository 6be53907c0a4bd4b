# Elke zin die iemand in Mattermost leest. `en.ftl` heeft dezelfde sleutels met dezelfde variabelen; een test vergelijkt ze.
# Waarden komen al onschadelijk binnen: direct eromheen staat geen opmaak van ons, behalve waar een test ernaar kijkt.

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
reason-other = er ging iets mis

## Meldingen zonder titel

notification-booking-created = Nieuwe boeking
notification-booking-confirmed = Boeking bevestigd
notification-booking-changed = Boeking gewijzigd
notification-booking-cancelled = Boeking geannuleerd
notification-booking-no-show = Gast kwam niet opdagen
notification-booking-payment-changed = Betaling gewijzigd

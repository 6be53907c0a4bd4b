// Draws the picture that the feed sends, and sends what buttons ask for.
//
// The feed always sends the whole picture. Rows are kept by their key and only touched where they changed, so that a screen
// reader hears what is new and focus stays where it is. Texts are set as text; only what the server names `html` is markup.
'use strict';

const dutch = {
  'tagline': 'Het gesprek van een bezoeker, het draadje van het team, en wat de sidecar daartussen doet. Maak iets stuk.',
  'language': 'Taal', 'play': 'Speel het script', 'counters': 'Tellers',
  'said': 'gezegd', 'accepted': 'aangenomen', 'waiting': 'wachtend', 'attempts': 'pogingen', 'delivered': 'bezorgd',
  'parked': 'geparkeerd', 'twice': 'dubbel geplaatst',
  'visitor': 'De bezoeker', 'visitor-sub': 'de webchat van i-Reserve',
  'chat-empty': 'Er is nog niets gezegd. Schrijf iets, of speel het script.',
  'write-label': 'Bericht als bezoeker', 'write-hint': 'Schrijf als bezoeker…', 'send': 'Verstuur', 'save': 'Bewaar',
  'samples': 'Klaargezette berichten', 's-picture': 'Met een foto', 's-hostile': 'Een kwaadaardig', 's-long': 'Een heel lang',
  'more': 'Meer', 'edit': 'Wijzig het laatste', 'withdraw': 'Trek het laatste in', 'close': 'Sluit het gesprek',
  'reopen': 'Heropen het gesprek', 'book': 'Er komt een boeking binnen', 'new': 'Nieuw gesprek',
  'sidecar': 'De sidecar', 'trouble': 'Maak iets stuk', 'lose': 'Verlies het volgende antwoord', 'delete': 'Verwijder het draadje',
  'away-on': 'Mattermost valt weg', 'away-off': 'Mattermost komt terug',
  'slow-on': 'Maak Mattermost traag', 'slow-off': 'Maak Mattermost snel',
  'kill': 'Breek de sidecar af', 'start': 'Start de sidecar',
  'runs': 'draait, leven', 'killed': 'afgebroken: i-Reserve herhaalt', 'there': 'antwoordt', 'is-away': 'is weg', 'is-slow': 'is traag',
  'reply-label': 'Antwoord in het draadje als Lotte Jansen', 'reply-hint': 'Antwoord als Lotte…', 'reply': 'Antwoord',
  'reply-note': 'De bezoeker leest wat hier staat. Wat begint met “notitie:” of // blijft binnen het team.',
  'edited': 'bewerkt', 'withdrawn': 'ingetrokken', 'gone': 'Verwijderd draadje', 'replies': 'antwoorden', 'bot': 'BOT',
  'nothing': 'Hier staat nog niets.', 'lost': 'Geen verbinding met de demonstratie.',
};
const english = {
  'save': 'Save', 'reopen': 'Reopen the conversation',
  'away-on': 'Mattermost goes away', 'away-off': 'Mattermost comes back',
  'slow-on': 'Make Mattermost slow', 'slow-off': 'Make Mattermost quick',
  'kill': 'Kill the sidecar', 'start': 'Start the sidecar',
  'runs': 'runs, life', 'killed': 'killed: i-Reserve repeats', 'there': 'answers', 'is-away': 'is away', 'is-slow': 'is slow',
  'edited': 'edited', 'withdrawn': 'withdrawn', 'gone': 'Deleted thread', 'replies': 'replies', 'bot': 'BOT',
  'nothing': 'Nothing stands here yet.', 'lost': 'The demonstration does not answer.',
};

const signs = { accepted: '✓', tried: '→', found: '=', failed: '↻', delivered: '✓', parked: '⚠' };
const at = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
let language = query.get('lang') === 'nl' ? 'nl' : 'en';
let picture = null;
let feed = null;
let isEditing = false;

const t = (key) => (language === 'nl' ? dutch[key] : english[key]) ?? key;

// Elements: the text is always text.
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// Makes `list` show `rows`: kept by key, redrawn where they differ, in order.
function reconcile(list, rows, key, draw) {
  const stood = new Map([...list.children].map((element) => [element.dataset.key, element]));
  const isFirst = list.dataset.drawn === undefined;
  list.dataset.drawn = '';
  let before = null;
  for (const row of rows) {
    const name = String(key(row));
    const looks = language + JSON.stringify(row);
    let element = stood.get(name);
    stood.delete(name);
    if (!element || element.looks !== looks) {
      const drawn = draw(row);
      drawn.dataset.key = name;
      drawn.looks = looks;
      if (!element && !isFirst) drawn.classList.add('new');
      if (element) {
        if (element.open !== undefined) drawn.open = element.open;
        element.replaceWith(drawn);
      }
      element = drawn;
    }
    const place = before ? before.nextSibling : list.firstChild;
    if (place !== element) list.insertBefore(element, place);
    before = element;
  }
  for (const element of stood.values()) element.remove();
}

// Follows the newest row, unless somebody has scrolled away from it.
function follow(box) {
  const toEnd = () => {
    if (box.isFollowing) box.scrollTop = box.scrollHeight;
  };
  box.isFollowing = true;
  box.addEventListener('scroll', () => {
    box.isFollowing = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  }, { passive: true });
  // Also what becomes higher later, by a picture or a font.
  const sizes = new ResizeObserver(toEnd);
  new MutationObserver(() => {
    for (const element of box.children) sizes.observe(element);
    toEnd();
  }).observe(box, { childList: true, subtree: true });
  sizes.observe(box);
}

const clock = (milliseconds) =>
  new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: picture.zone }).format(milliseconds);

function drawSaid(row) {
  const own = row.kind === 'visitor' ? ' visitor-said' : row.kind === 'line' ? ' line' : '';
  const item = make('li', 'said' + own);
  if (row.kind === 'agent') item.append(make('span', 'who', row.name));
  const bubble = make('div', row.kind === 'line' ? '' : 'bubble');
  if (row.withdrawn) bubble.append(make('em', '', t('withdrawn')));
  else bubble.append(row.text);
  if (row.text && row.text.length > 900) bubble.classList.add('long');
  if (row.file) bubble.append(image(row.file.url, row.file.name, ''));
  if (row.edited) bubble.append(make('small', '', ' (' + t('edited') + ')'));
  item.append(bubble, make('span', 'fate ' + row.state, row.note));
  return item;
}

function image(url, name, className) {
  const shot = make('img', className);
  Object.assign(shot, { src: url, alt: name, loading: 'eager', width: 360, height: 220 });
  return shot;
}

function drawStep(row) {
  const item = make('li', 'step ' + row.kind + (row.event ? '' : ' world'));
  const time = make('time', '', clock(row.at));
  time.dateTime = new Date(row.at).toISOString();
  if (row.isNewSubject) item.append(make('span', 'about', row.about));
  item.append(time);
  if (row.event) {
    const sign = make('span', 'sign', signs[row.kind] ?? '·');
    sign.setAttribute('aria-hidden', 'true');
    item.append(sign);
  }
  item.append(make('span', 'what', row.text));
  return item;
}

function drawThread(thread) {
  const box = make(thread.gone ? 'details' : 'div', 'thread');
  if (thread.gone) box.append(make('summary', '', `${t('gone')} (${thread.replies.length} ${t('replies')})`));
  for (const post of [thread.root, ...thread.replies]) box.append(drawPost(post));
  return box;
}

function drawPost(post) {
  const article = make('article', 'post');
  const avatar = make('span', 'avatar' + (post.bot ? ' bot' : ''), post.bot ? 'iR' : post.author.slice(0, 2));
  avatar.setAttribute('aria-hidden', 'true');
  const head = make('div', 'head');
  head.append(make('b', '', post.author));
  if (post.bot) head.append(make('span', 'badge', t('bot')));
  head.append(make('time', '', clock(post.at)));
  if (post.edited) head.append(make('i', '', t('edited')));
  const body = make('div');
  body.append(head, words(post.html));
  for (const card of post.attachments) body.append(drawCard(card));
  for (const file of post.files) body.append(drawFile(file));
  for (const reaction of post.reactions) body.append(make('span', 'reaction', reaction));
  article.append(avatar, body);
  return article;
}

function words(html) {
  const box = make('div', 'words');
  box.innerHTML = html;
  if (box.textContent.length > 900) box.classList.add('long');
  return box;
}

function drawCard(card) {
  const box = make('div', 'card');
  if (card.colour) box.style.setProperty('--bar', card.colour);
  if (card.html) box.append(words(card.html));
  if (card.fields.length) {
    const list = make('dl');
    for (const field of card.fields) {
      const pair = make('div');
      const value = make('dd');
      value.append(words(field.html));
      pair.append(make('dt', '', field.title), value);
      list.append(pair);
    }
    box.append(list);
  }
  if (card.footer) box.append(make('p', 'foot', card.footer));
  return box;
}

function drawFile(file) {
  if (file.picture && file.url) return image(file.url, file.name, 'shot');
  return make('span', 'tile', `📎 ${file.name} · ${Math.max(1, Math.round(file.size / 1000))} kB`);
}

function draw() {
  const { weather, counters } = picture;
  for (const cell of document.querySelectorAll('[data-count]')) cell.textContent = counters[cell.dataset.count];
  document.querySelector('.counters .bad').classList.toggle('is-wrong', counters.twice > 0);
  reconcile(at('chat'), picture.chat, (row) => row.id, drawSaid);
  at('chat-empty').hidden = picture.chat.length > 0;
  let subject = null;
  for (const row of picture.steps) {
    row.isNewSubject = row.event !== null && row.event !== subject;
    subject = row.event;
  }
  reconcile(at('steps'), picture.steps, (row) => row.number, drawStep);
  drawChannel(at('threads'), picture.threads);
  drawChannel(at('bookings'), picture.bookings);
  pressed('away', weather.away, weather.away ? 'away-off' : 'away-on');
  pressed('slow', weather.slow, weather.slow ? 'slow-off' : 'slow-on');
  pressed('lose', weather.losing);
  pressed('kill', !weather.up, weather.up ? 'kill' : 'start');
  at('alive').textContent = weather.up ? `${t('runs')} ${weather.lives}` : t('killed');
  at('server').textContent = t(weather.away ? 'is-away' : weather.slow ? 'is-slow' : 'there');
  at('server').classList.toggle('is-bad', weather.away);
  at('play').disabled = picture.playing;
  label(at('close'), picture.closed ? 'reopen' : 'close');
}

function drawChannel(box, threads) {
  reconcile(box, threads.length ? threads : [{ id: 'nothing' }], (thread) => thread.id,
    (thread) => (thread.root ? drawThread(thread) : make('p', 'empty', t('nothing'))));
}

function pressed(id, isPressed, key) {
  at(id).setAttribute('aria-pressed', String(isPressed));
  if (key) label(at(id), key);
}

function label(element, key) {
  element.dataset.english ??= element.textContent;
  const text = language === 'nl' ? dutch[key] : english[key] ?? element.dataset.english;
  if (element.textContent !== text) element.textContent = text;
}

function speak() {
  document.documentElement.lang = language;
  at('language').value = language;
  for (const element of document.querySelectorAll('[data-t]')) label(element, element.dataset.t);
  for (const element of document.querySelectorAll('[data-p]')) {
    element.dataset.english ??= element.placeholder;
    element.placeholder = language === 'nl' ? dutch[element.dataset.p] : element.dataset.english;
  }
  for (const element of document.querySelectorAll('[data-l]')) {
    element.dataset.english ??= element.getAttribute('aria-label');
    element.setAttribute('aria-label', language === 'nl' ? dutch[element.dataset.l] : element.dataset.english);
  }
}

function listen() {
  feed?.close();
  feed = new EventSource('feed?lang=' + language);
  feed.addEventListener('picture', (event) => {
    picture = JSON.parse(event.data);
    say('');
    draw();
  });
  feed.addEventListener('error', () => say(t('lost')));
}

function say(text) {
  if (at('said').textContent !== text) at('said').textContent = text;
}

async function act(what) {
  try {
    const answer = await fetch('act', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ lang: language, ...what }),
    });
    if (!answer.ok) {
      say(await answer.text());
      setTimeout(() => say(''), 4000);
    }
    return answer.ok;
  } catch {
    say(t('lost'));
    return false;
  }
}

function edit(on) {
  isEditing = on;
  label(at('send'), on ? 'save' : 'send');
  if (on) {
    const last = picture.chat.findLast((row) => row.kind === 'visitor' && !row.withdrawn);
    at('text').value = last ? last.text : '';
    at('text').focus();
  }
}

async function send(box, what) {
  if (box.value.trim() && await act({ ...what, text: box.value })) box.value = '';
}

function onEnter(box) {
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      box.form.requestSubmit();
    }
  });
}

at('composer').addEventListener('submit', async (event) => {
  event.preventDefault();
  await send(at('text'), { do: isEditing ? 'edit' : 'write' });
  edit(false);
});
at('reply').addEventListener('submit', (event) => {
  event.preventDefault();
  send(at('reply-text'), { do: 'reply' });
});
onEnter(at('text'));
onEnter(at('reply-text'));
for (const button of document.querySelectorAll('[data-sample]'))
  button.addEventListener('click', () => act({ do: 'sample', which: button.dataset.sample }));
for (const button of document.querySelectorAll('[data-do]'))
  button.addEventListener('click', () => act({ do: button.dataset.do }));
at('edit').addEventListener('click', () => edit(true));
at('play').addEventListener('click', () => act({ do: 'play' }));
at('away').addEventListener('click', () => act({ do: 'away', on: !picture.weather.away }));
at('slow').addEventListener('click', () => act({ do: 'slow', on: !picture.weather.slow }));
at('lose').addEventListener('click', () => act({ do: 'lose' }));
at('kill').addEventListener('click', () => act({ do: picture.weather.up ? 'kill' : 'start' }));
at('language').addEventListener('change', async () => {
  language = at('language').value;
  speak();
  await act({ do: 'new' });
  listen();
});

for (const id of ['chat', 'steps', 'channels']) follow(at(id));
speak();
listen();
if (query.has('play')) {
  // Once, and not again when somebody loads the page anew.
  history.replaceState(null, '', location.pathname + (language === 'nl' ? '?lang=nl' : ''));
  act({ do: 'play' });
}

// The page: who is signed in, and their posts.

import { Refused, SignIn } from './signin.js';

const $ = (id) => document.getElementById(id);
const config = await (await fetch('/config.json')).json();
const signIn = new SignIn(config);

function show(view) {
  for (const id of ['starting', 'signed-out', 'signed-in']) $(id).hidden = id !== view;
}

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

/** Calls the API in the person's name. */
async function call(path, body) {
  const headers = { Authorization: `Bearer ${await signIn.accessToken()}` };
  if (body) headers['Content-Type'] = 'application/json';
  const response = await fetch(config.api + path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`The API answered ${response.status}.`);
  return response.json();
}

function element(name, ...content) {
  const e = document.createElement(name);
  e.append(...content); // strings become text, never markup
  return e;
}

async function enter() {
  const { name, email, sub } = await signIn.person();
  $('who').textContent = name ?? email ?? sub;
  showClaims();
  show('signed-in');
  const { posts } = await call('/posts');
  $('posts').replaceChildren(...posts.map(({ text }) => element('li', text)));
}

function showClaims() {
  $('claims').replaceChildren(...Object.entries(signIn.claims).map(([name, value]) => {
    const cell = element('td', typeof value === 'string' ? value : JSON.stringify(value));
    cell.dataset.claim = name;
    return element('tr', element('th', name), cell);
  }));
}

/** Runs what a person asked for, and says what went wrong. */
async function attempt(work) {
  notice('');
  try {
    await work();
  } catch (reason) {
    if (reason instanceof Refused && reason.code === 'access_denied') notice('You did not let this application in.');
    else if (reason instanceof Refused && reason.code === 'invalid_grant') notice('Your sign-in has ended. Please sign in again.');
    else notice(reason.message);
    if (!signIn.claims || reason.code === 'invalid_grant') show('signed-out');
  }
}

$('sign-in').addEventListener('click', () => attempt(() => signIn.begin()));
$('sign-out').addEventListener('click', () => attempt(() => signIn.end()));
$('refresh').addEventListener('click', () => attempt(async () => {
  await signIn.refresh();
  showClaims();
  notice('The tokens are new.');
}));
$('post').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(async () => {
    const { text } = await call('/posts', { text: $('text').value });
    $('posts').append(element('li', text));
    $('post').reset();
  });
});

await attempt(async () => {
  if (await signIn.finish()) return enter();
  // A reload has lost the tokens, and the issuer still knows the person.
  if (signIn.remembered) return signIn.begin({ prompt: 'none' });
  show('signed-out');
});

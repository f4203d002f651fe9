// The page: which of its views is shown, and what its forms do.

import { issuer } from './config.js';
import { clear, prepare, prepareReveals } from './form.js';
import { exchange, Problem } from './http.js';
import { createHome } from './home.js';
import { Session, SignedOut } from './session.js';

const $ = (id) => document.getElementById(id);
const views = ['starting', 'away', 'log-in', 'register', 'home'].map($);

/** How long until an issuer that was away is asked again, in milliseconds. */
const patience = 5_000;

const session = new Session();
const home = createHome(session);
let shown = views[0];
let knock; // the timer that asks again

function show(id) {
  const view = $(id);
  if (view === shown) return;
  shown = view;
  for (const v of views) v.hidden = v !== view;
  document.title = view.dataset.title;
  view.querySelector('[data-focus]')?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Signs in from the cookie, and shows what belongs to the person, or the way in. */
async function start() {
  clearTimeout(knock);
  try {
    await session.resume();
    await home.enter();
    show('home');
  } catch (reason) {
    if (reason instanceof SignedOut) return;
    if (!(reason instanceof Problem)) throw reason;
    await stayOut(reason);
  }
}

/** Says why nobody can sign in now, and asks again from time to time. */
async function stayOut(problem) {
  const said = await diagnose(problem);
  if (!shown.matches('#starting, #away')) return; // somebody went on meanwhile
  for (const [name, text] of Object.entries(said)) {
    const place = $(`away-${name}`);
    if (place.textContent !== text) place.textContent = text; // or it would be read out again
  }
  show('away');
  clearTimeout(knock);
  knock = setTimeout(start, problem.retryAfter * 1000 || patience);
}

/** A browser does not tell a script why it got no answer, but an answer that anybody may read does. */
async function diagnose(problem) {
  if (problem.code !== 'unreachable') return { what: 'Not just now', why: problem.message, try: '' };
  if (problem.origin === location.origin) {
    return { what: 'The demo is away', why: `${location.origin} cannot be reached.`, try: 'go run ./resource/demo' };
  }
  try {
    await exchange(`${issuer}/ping`);
  } catch {
    return {
      what: 'The issuer is away',
      why: `${issuer} cannot be reached. This page goes on by itself as soon as it is back.`,
      try: 'go run ./idp',
    };
  }
  return {
    what: 'This page is not let in',
    why: `${issuer} is there, but lets nobody sign in from ${location.origin}. Its setting browser.origins names the pages that may.`,
    try: `SIGNET_BROWSER_ORIGINS=${location.origin} go run ./idp`,
  };
}

const credentials = { email: 'Enter your e-mail.', password: 'Enter your password.' };

async function logIn({ email, password }) {
  await session.logIn(email, password);
  await home.enter();
  show('home');
  for (const form of [$('log-in-form'), $('register-form')]) clear(form, { emptied: true });
}

prepare($('log-in-form'), { required: credentials, submit: logIn });

prepare($('register-form'), {
  required: { email: 'Enter your e-mail.', password: 'Choose a password.' },
  explain(problem) {
    if (problem.code === 'email_taken') return Object.assign(problem, { field: 'email' });
    if (problem.field) problem.message = `The ${problem.field === 'email' ? 'e-mail' : problem.field} ${problem.message}.`;
    return problem;
  },
  async submit({ email, password }) {
    await exchange(`${issuer}/register`, { method: 'POST', body: { email, password } });
    try {
      await logIn({ email, password });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      invite(`Your account is there. ${problem.message}`, email);
    }
  },
});

/** Shows the way in, with a word on why one is there. */
function invite(note, email = '') {
  $('log-in-note').textContent = note;
  if (email) $('log-in-email').value = email;
  show('log-in');
}

for (const button of document.querySelectorAll('[data-show]')) {
  button.addEventListener('click', () => {
    const from = shown.querySelector('form');
    const to = $(button.dataset.show).querySelector('form');
    to.elements.email.value = from.elements.email.value;
    from.elements.password.value = '';
    clear(from);
    show(button.dataset.show);
  });
}

$('away-again').addEventListener('click', start);

$('log-out').addEventListener('click', async () => {
  try {
    await session.logOut();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    home.notice(`You are still signed in: logging out needs the issuer. ${problem.message}`);
  }
});

session.addEventListener('in', () => {
  show('starting'); // whoever it is, what is shown may be another's
  start();
});
session.addEventListener('out', () => {
  const wasHome = shown === $('home');
  home.leave();
  if (wasHome) invite('You are logged out, in all tabs.');
  else if (!shown.matches('#log-in, #register')) show('log-in');
});

prepareReveals(document);
start();

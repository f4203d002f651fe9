// What a person sees who is signed in: posts, the admin's view where the API
// grants it, and a new password. Everything that was written by somebody goes
// in as text.

import { issuer } from './config.js';
import { clear, prepare } from './form.js';
import { SignedOut } from './session.js';

const $ = (id) => document.getElementById(id);
const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
let hide; // the timer that takes the notice away

export function createHome(session) {
  let person = null;

  /** Loads all that belongs to the person, then shows it at once. */
  async function enter() {
    const [me, mine, admin] = await Promise.all([
      session.call(`${issuer}/me`), session.call('/posts'), asAdmin(),
    ]);
    if (person && person.id !== me.id) leave();
    person = me;
    $('who').textContent = $('password-email').value = me.email;
    $('who').title = me.email;
    renderPosts(mine.posts);
    renderAdmin(admin);
    notice('');
  }

  /** Takes everything away that belonged to the person. */
  function leave() {
    person = null;
    for (const id of ['who', 'posts', 'posts-said', 'admin-rows', 'notice']) $(id).replaceChildren();
    $('password-email').value = $('who').title = '';
    $('admin').hidden = true;
    $('account').open = false;
    clear($('post-form'), { emptied: true });
    clear($('password-form'), { emptied: true });
  }

  /** The API's answer to an admin, or null for everybody else. */
  async function asAdmin() {
    try {
      return await session.call('/admin');
    } catch (problem) {
      if (problem instanceof SignedOut) throw problem;
      return null; // not an admin, or nothing that the posts would not say better
    }
  }

  function renderAdmin(answer) {
    $('admin').hidden = !answer;
    if (!answer) return;
    const rows = Object.entries(answer.posts_by_subject).sort(([, a], [, b]) => b - a);
    $('admin-rows').replaceChildren(...rows.map(([id, posts]) => {
      const count = element('td', String(posts));
      count.className = 'number';
      return element('tr', element('td', id === person.id ? `${person.email} (you)` : id), count);
    }));
  }

  // A role that was given or taken comes with the next access token.
  session.addEventListener('turned', async () => {
    if (!person) return; // enter asks by itself
    try {
      const answer = await asAdmin();
      if (person) renderAdmin(answer);
    } catch (reason) {
      if (!(reason instanceof SignedOut)) throw reason;
    }
  });

  prepare($('post-form'), {
    required: { text: 'Write something first.' },
    explain(problem) {
      if (problem.status === 400) Object.assign(problem, { field: 'text', message: `The ${problem.message}.` });
      return problem;
    },
    async submit({ text }) {
      const post = await session.call('/posts', { method: 'POST', body: { text } });
      $('posts').prepend(postOf(post));
      $('posts-none').hidden = true;
      $('posts-said').textContent = 'Your post was added.';
      clear($('post-form'), { emptied: true });
      $('post-text').focus();
    },
  });

  prepare($('password-form'), {
    required: { current: 'Enter your current password.', new: 'Choose a new password.' },
    explain(problem) {
      if (problem.code === 'invalid_grant') return Object.assign(problem, { field: 'current', message: 'This is not your current password.' });
      if (problem.field === 'new') problem.message = `The new password ${problem.message}.`;
      return problem;
    },
    async submit({ current, new: next }) {
      await session.call(`${issuer}/me/password`, { method: 'POST', body: { current, new: next } });
      clear($('password-form'), { emptied: true });
      $('password-email').value = person.email;
      $('account').open = false;
      notice('Your password is changed, and your sign-ins elsewhere have ended.');
    },
  });

  return { enter, leave, notice };
}

/** Says something for a while, above all else and in nobody's way. */
function notice(text) {
  clearTimeout(hide);
  $('notice').textContent = text;
  if (text) hide = setTimeout(notice, 10_000, '');
}

/** Shows posts, which come with the oldest first. */
function renderPosts(posts) {
  $('posts').replaceChildren(...posts.map(postOf).reverse());
  $('posts').setAttribute('aria-busy', false);
  $('posts-none').hidden = posts.length > 0;
}

function postOf({ text, at }) {
  const time = element('time', when.format(new Date(at)));
  time.dateTime = at;
  return element('li', element('p', text), time);
}

function element(name, ...content) {
  const e = document.createElement(name);
  e.append(...content); // strings become text, never markup
  return e;
}

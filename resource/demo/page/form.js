// What all forms of the page do: say what is wrong where it is wrong, wait for
// one answer at a time, and count down when the issuer asks for patience.

import { Problem } from './http.js';
import { SignedOut } from './session.js';

/**
 * Makes form call submit(values) and show the Problem that it throws. explain
 * may replace a Problem by one with better words.
 */
export function prepare(form, { submit, explain = (problem) => problem, required }) {
  const button = form.querySelector('[type=submit]');
  const message = form.querySelector('.message');
  const label = button.textContent;
  let busy = false;
  let counting;

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy || counting) return;
    clear(form);
    const values = Object.fromEntries(new FormData(form));
    const missing = Object.keys(required).find((name) => values[name].trim() === '');
    if (missing) return blame(form, missing, required[missing]);
    setBusy(true);
    try {
      await submit(values);
    } catch (problem) {
      if (problem instanceof SignedOut) return; // the page shows that already
      if (!(problem instanceof Problem)) throw problem;
      show(explain(problem));
    } finally {
      setBusy(false);
    }
  });

  form.addEventListener('input', ({ target }) => {
    if (target.getAttribute('aria-invalid')) absolve(target);
  });

  function setBusy(is) {
    busy = is;
    form.setAttribute('aria-busy', is);
    if (!counting) button.setAttribute('aria-disabled', is);
  }

  function show(problem) {
    if (problem.field && form.elements[problem.field]) return blame(form, problem.field, problem.message);
    const wait = problem.retryAfter;
    message.textContent = problem.code === 'too_many_requests' ? `Too many attempts. Wait ${wait} seconds.` : problem.message;
    if (wait) countDown(wait);
  }

  function countDown(seconds) {
    const end = performance.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      button.textContent = left > 0 ? `Try again in ${left} s` : label;
      button.setAttribute('aria-disabled', left > 0);
      if (left > 0) return;
      clearInterval(counting);
      counting = undefined;
      message.textContent = '';
    };
    counting = setInterval(tick, 250);
    tick();
  }
}

/** Takes every message away, and the text too if emptied is asked for. */
export function clear(form, { emptied = false } = {}) {
  if (emptied) form.reset();
  form.querySelector('.message').textContent = '';
  for (const input of form.elements) if (input.getAttribute('aria-invalid')) absolve(input);
}

const helpOf = (input) => document.getElementById(input.getAttribute('aria-describedby'));

function blame(form, name, text) {
  const input = form.elements[name];
  const help = helpOf(input);
  help.dataset.hint ??= help.textContent;
  help.textContent = text;
  input.setAttribute('aria-invalid', 'true');
  input.focus();
}

function absolve(input) {
  const help = helpOf(input);
  help.textContent = help.dataset.hint;
  input.removeAttribute('aria-invalid');
}

/** Lets the buttons beside passwords show and hide them. */
export function prepareReveals(root) {
  for (const button of root.querySelectorAll('.reveal button')) {
    const input = document.getElementById(button.getAttribute('aria-controls'));
    const set = (shown) => {
      input.type = shown ? 'text' : 'password';
      button.textContent = shown ? 'Hide' : 'Show';
      button.setAttribute('aria-label', shown ? 'Hide the password' : 'Show the password');
    };
    button.addEventListener('click', () => {
      set(input.type === 'password');
      input.focus();
    });
    input.form.addEventListener('submit', () => set(false));
  }
}

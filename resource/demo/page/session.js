// The session of this browser, as one page of it holds it. The access token is
// a private field and is never written anywhere; the refresh token is in the
// issuer's cookie, which no script can read.

import { audience, issuer } from './config.js';
import { exchange, Problem } from './http.js';

/** Nobody is signed in, or somebody else than at the start of what failed. */
export class SignedOut extends Error {
  name = 'SignedOut';
}

/**
 * Dispatches "in" when somebody has signed in elsewhere in this browser, "out"
 * when the session has ended, here or elsewhere, and "turned" when there is a
 * new access token, which may carry other roles.
 */
export class Session extends EventTarget {
  #token = null;
  #turning = null; // the refresh that is on its way, for all who wait
  #era = 0; // counts sign-ins and sign-outs: what began in an earlier one is void
  #tabs = new BroadcastChannel('signet-session');

  constructor() {
    super();
    this.#tabs.onmessage = ({ data }) => this.#begin(data);
  }

  /** Signs in again from the cookie alone. */
  resume() {
    return this.#turn();
  }

  async logIn(email, password) {
    const answer = await alone(() => atIssuer('/session/login', { email, password, audience }));
    this.#begin();
    this.#token = answer.access_token;
    this.#tabs.postMessage('in');
  }

  /** Ends the session in every tab. When the issuer is away it goes on, since its cookie does. */
  async logOut() {
    await alone(() => atIssuer('/session/logout', {}));
    this.#begin('out');
    this.#tabs.postMessage('out');
  }

  /**
   * Makes a request with the access token, as exchange does. A token that is
   * refused is refreshed once and the request repeated, unless somebody else
   * has signed in: what one person wrote is not sent in another's name.
   */
  async call(url, init) {
    const token = this.#token ?? (await this.#turn());
    try {
      return await exchange(url, { ...init, token });
    } catch (problem) {
      if (!refused(problem)) throw problem;
    }
    const next = this.#token && this.#token !== token ? this.#token : await this.#turn();
    if (subject(next) !== subject(token)) {
      this.dispatchEvent(new Event('in'));
      throw new SignedOut();
    }
    return exchange(url, { ...init, token: next });
  }

  #turn() {
    if (!this.#turning) {
      const turning = this.#refresh().finally(() => {
        if (this.#turning === turning) this.#turning = null;
      });
      this.#turning = turning;
    }
    return this.#turning;
  }

  async #refresh() {
    const era = this.#era;
    try {
      const answer = await together(() => atIssuer('/session/refresh', { audience }));
      if (era === this.#era) {
        this.#token = answer.access_token;
        this.dispatchEvent(new Event('turned'));
        return this.#token;
      }
    } catch (problem) {
      if (problem.code !== 'invalid_grant') throw problem;
      if (era === this.#era) this.#begin('out');
    }
    throw new SignedOut();
  }

  #begin(event) {
    this.#era++;
    this.#token = this.#turning = null;
    if (event) this.dispatchEvent(new Event(event));
  }
}

const atIssuer = (path, body) => exchange(issuer + path, { method: 'POST', credentials: 'include', body });

// Tabs may refresh at the same time: the issuer gives them the same successor.
// A login or a logout waits for them and they for it, or a late answer about
// the old cookie could take the new one away.
const locked = (mode) => (work) => (navigator.locks ? navigator.locks.request('signet-session', { mode }, work) : work());
const together = locked('shared');
const alone = locked('exclusive');

/** Tells an access token that is refused from a password that is. */
const refused = (problem) => problem instanceof Problem && problem.status === 401 && problem.code !== 'invalid_grant';

/** Reads whom an access token speaks of. Only the API can tell whether it is true. */
function subject(token) {
  const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(payload)).sub;
}

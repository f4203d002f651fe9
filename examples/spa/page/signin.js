// Signing in from a page that runs in the browser alone: the authorization code
// with PKCE, as a public client. OpenID Connect Core, section 3.1; RFC 7636.

/** What the issuer answered instead of a sign-in; code is its word for it. */
export class Refused extends Error {
  constructor(code) {
    super(`The issuer refused: ${code}`);
    this.code = code;
  }
}

export class SignIn {
  #config; #metadata; #tokens; #refreshing;

  /** Needs {issuer, client_id, scope}. */
  constructor(config) {
    this.#config = config;
  }

  get #redirectURI() { return `${location.origin}/`; }

  async #discover() {
    this.#metadata ??= await json(await fetch(`${this.#config.issuer}/.well-known/openid-configuration`));
    if (this.#metadata.issuer !== this.#config.issuer) throw new Error('The metadata is of another issuer.');
    return this.#metadata;
  }

  /**
   * Leaves for the issuer. With {prompt: 'none'} it comes back at once, signed
   * in or not.
   */
  async begin({ prompt } = {}) {
    const { authorization_endpoint: there } = await this.#discover();
    const [state, nonce, verifier] = [random(), random(), random()];
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    // This tab's storage lives through the way there and back, no longer.
    sessionStorage.setItem('attempt', JSON.stringify({ state, nonce, verifier, silent: prompt === 'none' }));
    const url = new URL(there);
    for (const [name, value] of Object.entries({
      response_type: 'code', client_id: this.#config.client_id, redirect_uri: this.#redirectURI, scope: this.#config.scope,
      state, nonce, code_challenge: base64url(digest), code_challenge_method: 'S256', ...(prompt && { prompt }),
    })) url.searchParams.set(name, value);
    location.assign(url);
  }

  /**
   * Finishes what begin began, when the address holds the issuer's answer.
   * Returns the claims of the ID token, or null when there was no answer.
   */
  async finish() {
    const answer = new URLSearchParams(location.search);
    if (!answer.has('state')) return null;
    history.replaceState(null, '', '/'); // the code is for nobody to see
    const attempt = JSON.parse(sessionStorage.getItem('attempt'));
    sessionStorage.removeItem('attempt');
    if (!attempt || attempt.state !== answer.get('state')) throw new Error('This sign-in was not begun here.');

    const metadata = await this.#discover();
    // RFC 9207, section 2.4
    const iss = answer.get('iss');
    if (iss !== metadata.issuer && (iss !== null || metadata.authorization_response_iss_parameter_supported)) {
      throw new Error('The answer came from another issuer.');
    }
    if (answer.has('error')) {
      sessionStorage.removeItem('signed-in');
      if (attempt.silent) return null;
      throw new Refused(answer.get('error'));
    }
    await this.#ask({
      grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: this.#redirectURI, code_verifier: attempt.verifier,
    }, (claims) => claims.nonce === attempt.nonce);
    sessionStorage.setItem('signed-in', 'yes');
    return this.claims;
  }

  /** Whether somebody was signed in before this page was loaded again. */
  get remembered() { return sessionStorage.getItem('signed-in') !== null; }

  /** What the ID token says, or undefined. */
  get claims() { return this.#tokens?.claims; }

  /** What userinfo says of the person: name, e-mail and the like, by scope. */
  async person() {
    const { userinfo_endpoint: endpoint } = await this.#discover();
    const headers = { Authorization: `Bearer ${await this.accessToken()}` };
    const person = await json(await fetch(endpoint, { headers, credentials: 'omit' }));
    // Section 5.3.2: what is said of somebody else must not be used.
    if (person.sub !== this.claims.sub) {
      this.#tokens = undefined;
      throw new Error('Userinfo speaks of somebody else.');
    }
    return person;
  }

  /** An access token that works; it is refreshed a little before its end. */
  async accessToken() {
    if (!this.#tokens) throw new Error('Nobody is signed in.');
    if (Date.now() > this.#tokens.until - 10_000) await this.refresh();
    return this.#tokens.access;
  }

  /** Takes new tokens. Who asks meanwhile waits for the same ones. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  async #refresh() {
    const { refresh, claims: { sub } } = this.#tokens;
    if (!refresh) return this.begin({ prompt: 'none' });
    await this.#ask({ grant_type: 'refresh_token', refresh_token: refresh }, (claims) => claims.sub === sub);
  }

  /** Forgets everything here, then leaves for the issuer to end its session too. */
  async end() {
    const { end_session_endpoint: there } = await this.#discover();
    const hint = this.#tokens?.idToken;
    this.#tokens = undefined;
    sessionStorage.removeItem('signed-in');
    const url = new URL(there);
    if (hint) url.searchParams.set('id_token_hint', hint);
    url.searchParams.set('client_id', this.#config.client_id);
    url.searchParams.set('post_logout_redirect_uri', this.#redirectURI);
    location.assign(url);
  }

  /** Sends one request to the token endpoint and keeps what it answers. */
  async #ask(parameters, right) {
    const { issuer, token_endpoint: endpoint } = await this.#discover();
    const body = new URLSearchParams({ ...parameters, client_id: this.#config.client_id });
    const answer = await json(await fetch(endpoint, { method: 'POST', body, credentials: 'omit' }));
    const idToken = answer.id_token ?? this.#tokens?.idToken;
    const claims = payload(idToken);
    // It came straight from the issuer, over its TLS, which stands for the
    // signature: OpenID Connect Core, section 3.1.3.7, number 6.
    const mine = [claims.aud].flat();
    if (claims.iss !== issuer || !mine.includes(this.#config.client_id) || (mine.length > 1 && claims.azp !== this.#config.client_id)
      || (answer.id_token && claims.exp * 1000 < Date.now()) || !right(claims)) {
      throw new Error('The ID token is not for this sign-in.');
    }
    this.#tokens = {
      access: answer.access_token, until: Date.now() + answer.expires_in * 1000,
      refresh: answer.refresh_token ?? this.#tokens?.refresh, idToken, claims,
    };
  }
}

async function json(response) {
  const body = await response.json();
  if (!response.ok) throw new Refused(body.error);
  return body;
}

/** What a JWT says, without a look at its signature. */
function payload(jwt) {
  const bytes = Uint8Array.from(atob(jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// Whom this page signs people in with. The server says it in an answer of its
// own, since the policy of the page lets no inline script run.

const response = await fetch('/config.json');

/**
 * issuer is the issuer's URL, audience that of the access tokens which the API
 * beside this page takes.
 */
export const { issuer, audience } = await response.json();

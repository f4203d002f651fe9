// OpenID Connect Session Management, section 3.2: a client's frame sends
// "client_id session_state", and hears whether the session is still the same.
// session_state is base64url(SHA-256(client_id, origin, browser state, salt,
// with spaces between)), a dot and the salt. The origin is that of the frame
// that asks, so nobody can ask for another client.
(function () {
  'use strict';
  var name = document.body.getAttribute('data-cookie') + '=';

  function browserState() {
    var all = document.cookie.split('; ');
    for (var i = 0; i < all.length; i++) {
      if (all[i].indexOf(name) === 0) return all[i].slice(name.length);
    }
    return '';
  }

  function base64url(binary) {
    return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }

  // The constants of SHA-256 (FIPS 180-4, sections 4.2.2 and 5.3.3): the first
  // 32 bits after the point of the roots of the first primes.
  var first = [], round = [];
  for (var n = 2; round.length < 64; n++) {
    var prime = true;
    for (var d = 2; d * d <= n; d++) prime = prime && n % d !== 0;
    if (!prime) continue;
    if (first.length < 8) first.push(fraction(Math.pow(n, 1 / 2)));
    round.push(fraction(Math.pow(n, 1 / 3)));
  }
  function fraction(x) { return (x - Math.floor(x)) * 0x100000000 | 0; }
  function turn(x, by) { return x >>> by | x << 32 - by; }

  // sha256 takes and returns a string of bytes. crypto.subtle would do the
  // same, but only where the page and all that frame it came by https.
  function sha256(bytes) {
    var words = [], length = bytes.length, state = first.slice(), i, t;
    for (i = 0; i < length; i++) words[i >> 2] |= bytes.charCodeAt(i) << 24 - i % 4 * 8;
    words[length >> 2] |= 0x80 << 24 - length % 4 * 8;
    words[(length + 8 >> 6) * 16 + 15] = length * 8;
    for (var block = 0; block < words.length; block += 16) {
      var w = [], v = state.slice();
      for (t = 0; t < 64; t++) {
        if (t < 16) w[t] = words[block + t] | 0;
        else {
          var x = w[t - 15], y = w[t - 2];
          w[t] = (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10) + w[t - 7] + w[t - 16] | 0;
        }
        var one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + (v[4] & v[5] ^ ~v[4] & v[6]) + round[t] + w[t];
        var two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]);
        v = [one + two | 0, v[0], v[1], v[2], v[3] + one | 0, v[4], v[5], v[6]];
      }
      for (i = 0; i < 8; i++) state[i] = state[i] + v[i] | 0;
    }
    var hash = '';
    for (i = 0; i < 32; i++) hash += String.fromCharCode(state[i >> 2] >>> 24 - i % 4 * 8 & 255);
    return hash;
  }

  function answer(text, origin) {
    var parts = text.split(' ');
    var salt = parts.length === 2 ? parts[1].split('.')[1] : '';
    if (!salt || !parts[0]) return 'error';
    try {
      var said = unescape(encodeURIComponent([parts[0], origin, browserState(), salt].join(' '))); // in UTF-8
      return base64url(sha256(said)) + '.' + salt === parts[1] ? 'unchanged' : 'changed';
    } catch (e) { return 'error'; } // half of a character
  }

  window.addEventListener('message', function (event) {
    if (!event.source || typeof event.data !== 'string' || event.origin === 'null') return;
    event.source.postMessage(answer(event.data, event.origin), event.origin);
  });
})();

// OpenID Connect Front-Channel Logout, section 3: goes on once every client
// was told, or after a few seconds: one that is away must not hold anybody up.
(function () {
  'use strict';
  var gone = false;
  function go() {
    if (gone) return;
    gone = true;
    window.location.replace(document.getElementById('continue').href);
  }
  setTimeout(go, 5000);
  // The page has loaded when all its frames have (HTML, section 13.2.7).
  if (document.readyState === 'complete') go();
  else window.addEventListener('load', go);
})();

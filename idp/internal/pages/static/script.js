// What makes the pages a little better. They work without it. It is written
// for old browsers too: no page may break over a missing feature.
(function () {
  'use strict';

  function each(selector, does) {
    var all = document.querySelectorAll(selector);
    for (var i = 0; i < all.length; i++) does(all[i]);
  }

  // Show password. The button stays hidden without a script.
  each('[data-reveal]', function (button) {
    var input = document.getElementById(button.getAttribute('data-reveal'));
    function show(yes) {
      input.type = yes ? 'text' : 'password';
      button.setAttribute('aria-pressed', String(yes));
      button.textContent = button.getAttribute(yes ? 'data-hide' : 'data-show');
    }
    button.hidden = false;
    button.addEventListener('click', function () { show(input.type === 'password'); });
    // Browsers remember what is typed in a text field, and passwords must not be.
    if (input.form) input.form.addEventListener('submit', function () { show(false); });
  });

  // What cannot be undone asks for a second click, and says so.
  each('[data-confirm]', function (button) {
    function rest() {
      button.classList.remove('armed');
      while (button.firstChild) button.removeChild(button.firstChild);
      for (var i = 0; i < kept.length; i++) button.appendChild(kept[i]);
    }
    var kept = Array.prototype.slice.call(button.childNodes);
    button.addEventListener('click', function (event) {
      if (button.classList.contains('armed')) return;
      event.preventDefault();
      button.classList.add('armed');
      button.textContent = button.getAttribute('data-confirm');
      document.getElementById('said').textContent = button.textContent;
    });
    button.addEventListener('blur', rest);
  });

  // A form is sent once. Coming back with the back button makes it usable again.
  each('form', function (form) {
    form.addEventListener('submit', function (event) {
      if (form.getAttribute('aria-busy') === 'true') event.preventDefault();
      form.setAttribute('aria-busy', 'true');
    });
  });
  window.addEventListener('pageshow', function (event) {
    if (event.persisted) each('form', function (form) { form.removeAttribute('aria-busy'); });
  });

  // What went wrong is read out first, even where autofocus is not obeyed.
  var alert = document.querySelector('[role=alert]');
  if (alert) alert.focus();

  // Times in the person's own zone.
  if (window.Intl && Intl.DateTimeFormat) {
    each('time', function (time) {
      var at = new Date(time.getAttribute('datetime'));
      try {
        time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'long', timeStyle: 'short' }).format(at);
      } catch (e) { /* the time in UTC stays */ }
    });
  }
})();

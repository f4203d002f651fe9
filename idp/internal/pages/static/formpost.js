// OAuth 2.0 Form Post Response Mode: the answer is sent on without a click.
document.forms[0].submit();

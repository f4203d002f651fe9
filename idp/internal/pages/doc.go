// Package pages holds what people see: the templates, the style sheet and
// script, the texts in each language, and the operator's brand.
//
// It renders view models, writes the headers that a page needs (the content
// security policy first of all), and hands its static files to whoever mounts
// them. It knows no route, reads no request, decides nothing about people or
// clients, and fetches nothing that a client named.
//
// Whatever a stranger chose (the name of a client, an e-mail, a link) may come
// here as it is: this package makes it harmless.
package pages

package pages

// shownPermission is a permission with its words: those of a message, or the
// operator's.
type shownPermission struct {
	Key, Words, Icon string
}

// standard are the scopes that OpenID Connect Core names in sections 3.1.2.1,
// 5.4 and 11, with their icons.
var standard = map[string]string{
	"openid": "sign-in", "profile": "person", "email": "mail", "address": "home", "phone": "phone", "offline_access": "stay",
}

func shown(list []Permission) []shownPermission {
	var all []shownPermission
	for _, p := range list {
		icon, known := standard[p.Scope]
		switch {
		case p.Text != "":
			all = append(all, shownPermission{Words: p.Text, Icon: icon})
		case known:
			all = append(all, shownPermission{Key: "scope." + p.Scope, Icon: icon})
		default: // better the bare name than nothing
			all = append(all, shownPermission{Words: clean(p.Scope)})
		}
	}
	return all
}

// Shown are the permissions with their words.
func (v Consent) Shown() []shownPermission       { return shown(v.Permissions) }
func (v DeviceConfirm) Shown() []shownPermission { return shown(v.Permissions) }
func (a App) Shown() []shownPermission           { return shown(a.Permissions) }

package etcd

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logger passes on what etcd's client says, as what it is: nothing that an
// operator has to act on, as each failure that matters is an error too.
func logger(to *slog.Logger) *zap.Logger { return zap.New(bridge{to}) }

type bridge struct{ to *slog.Logger }

func (b bridge) Enabled(level zapcore.Level) bool {
	return level >= zapcore.InfoLevel && b.to.Enabled(context.Background(), slog.LevelDebug)
}

func (b bridge) With(fields []zapcore.Field) zapcore.Core {
	return bridge{b.to.With(attributes(fields)...)}
}

func (b bridge) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return c.AddCore(e, b)
	}
	return c
}

func (b bridge) Write(e zapcore.Entry, fields []zapcore.Field) error {
	b.to.Debug("etcd: "+e.Message, attributes(fields)...)
	return nil
}

func (b bridge) Sync() error { return nil }

func attributes(fields []zapcore.Field) (all []any) {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	for k, v := range m.Fields {
		all = append(all, slog.Any(k, v))
	}
	return all
}

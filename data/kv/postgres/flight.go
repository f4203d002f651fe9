package postgres

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"signet/data/kv/internal/optimistic"
)

// statement is one with its parameters, in binary. Their types are said, so the
// server need not be asked for them, and it has no name, so any server behind a
// pooler takes it: this is what makes a call one round trip, and costs the
// server a plan each time.
type statement struct {
	sql    string
	types  []uint32
	params [][]byte
}

func (s *statement) arg(oid uint32, value []byte) string {
	s.types, s.params = append(s.types, oid), append(s.params, value)
	return "$" + strconv.Itoa(len(s.params))
}

func (s *statement) bytes(v []byte) string { return s.arg(pgtype.ByteaOID, append([]byte{}, v...)) } // nil would be NULL
func (s *statement) number(n int64) string { return s.arg(pgtype.Int8OID, int8(n)) }
func (s *statement) text(v string) string  { return s.arg(pgtype.TextOID, []byte(v)) }
func (s *statement) keys(v [][]byte) string {
	return s.arg(pgtype.ByteaArrayOID, array(pgtype.ByteaOID, v))
}
func (s *statement) texts(v [][]byte) string {
	return s.arg(pgtype.TextArrayOID, array(pgtype.TextOID, v))
}
func (s *statement) numbers(v []int64) string {
	elements := make([][]byte, len(v))
	for i, n := range v {
		elements[i] = int8(n)
	}
	return s.arg(pgtype.Int8ArrayOID, array(pgtype.Int8OID, elements))
}

// int8 is PostgreSQL's: eight bytes.
func int8(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// array is the binary form: dimensions, whether there are nulls, type of the
// elements, length, first index, and each element with its length.
func array(oid uint32, elements [][]byte) []byte {
	size := 20
	for _, e := range elements {
		size += 4 + len(e)
	}
	b := make([]byte, 0, size)
	if len(elements) == 0 {
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint32(b, 0)
		return binary.BigEndian.AppendUint32(b, oid)
	}
	for _, n := range []uint32{1, 0, oid, uint32(len(elements)), 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, e := range elements {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
	}
	return b
}

// part is statements of a flight: after an error the server skips the rest of
// its part.
type part []statement

// fly sends all parts at once and returns the rows that each statement gave.
// The first failure is the one that counts; an answer that is missing is one.
func fly(ctx context.Context, c *pgconn.PgConn, parts ...part) (answers [][]row, err error) {
	p := c.StartPipeline(ctx)
	defer func() {
		if closed := p.Close(); err == nil {
			err = closed
		}
	}()
	for _, part := range parts {
		for _, s := range part {
			p.SendQueryParams(s.sql, s.params, s.types, []int16{pgtype.BinaryFormatCode}, []int16{pgtype.BinaryFormatCode})
		}
		p.SendPipelineSync()
	}
	if err := p.Flush(); err != nil {
		return nil, err
	}
	for {
		result, err := p.GetResults()
		if err != nil || result == nil {
			return answers, err
		}
		if r, ok := result.(*pgconn.ResultReader); ok {
			read := r.Read()
			if read.Err != nil {
				return answers, read.Err
			}
			rows := make([]row, len(read.Rows))
			for i, columns := range read.Rows {
				rows[i] = columns
			}
			answers = append(answers, rows)
		}
	}
}

// alone runs one statement, which is a transaction by itself.
func alone(ctx context.Context, c *pgconn.PgConn, s statement) ([]row, error) {
	answers, err := fly(ctx, c, part{s})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// row is one of an answer.
type row [][]byte

// pair makes one of the columns key, value and version.
func (r row) pair() optimistic.Pair {
	return optimistic.Pair{Key: r[0], Value: r[1], Version: r.number(2)}
}

func (r row) number(column int) int64 {
	if len(r[column]) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(r[column]))
}

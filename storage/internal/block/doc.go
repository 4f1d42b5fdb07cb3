// Package block is the form of results on the disk: a row for one result, and a
// block for many results of one check as columns. It knows no database, and does
// nothing but turn results into bytes and back.
//
// A row (row.go) is written with every result, at once. It is flags that say which
// parts follow, and the parts. A block (block.go) is made of rows later: results
// of one check repeat one another, so that columns of their differences
// (column.go), words in place of texts, and numbers against those before
// (metrics.go) take a tenth of the space. Both lose nothing but times below the
// microsecond.
//
// Check and, for rows, sequence number are not in the bytes; they stand in the
// key. Whatever bytes come, decoding ends with results or with
// binenc.ErrDamaged, in bounded time and memory.
package block

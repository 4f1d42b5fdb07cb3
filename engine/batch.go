package engine

import (
	"errors"
	"fmt"
	"strings"
)

// What a store takes. A batch beyond these limits is refused whole.
const (
	MaxID         = 512      // bytes of a record's id, a term or a check's id
	MaxRecordData = 8 << 20  // bytes of a record's data
	MaxResultText = 8 << 20  // bytes of all texts of a result
	MaxResultList = 10000    // metrics of a result, and log lines
	MaxBatchData  = 64 << 20 // bytes of all data and results of a batch
)

// ErrInvalid is wrapped by the errors of Batch.Validate.
var ErrInvalid = errors.New("invalid batch")

// Validate reports the first thing in b that no store can keep. Its error names
// kinds and ids, never data. Stores call it first.
func (b *Batch) Validate() error {
	total := 0
	for i := range b.Puts {
		r := &b.Puts[i]
		if err := validKey(r.Kind, r.ID); err != nil {
			return err
		}
		if len(r.Data) > MaxRecordData {
			return fmt.Errorf("%w: %s %q holds %d bytes, more than %d", ErrInvalid, r.Kind, r.ID, len(r.Data), MaxRecordData)
		}
		for _, term := range r.Terms {
			if !validText(term) {
				return fmt.Errorf("%w: %s %q has the unusable term %.64q", ErrInvalid, r.Kind, r.ID, term)
			}
		}
		total += len(r.Data)
	}
	for _, k := range b.Deletes {
		if err := validKey(k.Kind, k.ID); err != nil {
			return err
		}
	}
	for i := range b.Results {
		r := &b.Results[i]
		if !validText(r.Check) {
			return fmt.Errorf("%w: a result has the unusable check id %.64q", ErrInvalid, r.Check)
		}
		n := r.TextSize()
		if n > MaxResultText || len(r.Metrics) > MaxResultList || len(r.Log) > MaxResultList {
			return fmt.Errorf("%w: a result of check %q has %d bytes of text, %d metrics and %d log lines", ErrInvalid, r.Check, n, len(r.Metrics), len(r.Log))
		}
		total += n
	}
	if total > MaxBatchData {
		return fmt.Errorf("%w: it holds %d bytes, more than %d", ErrInvalid, total, MaxBatchData)
	}
	return nil
}

// TextSize is about the bytes of the result's texts.
func (r *Result) TextSize() int {
	n := len(r.Error) + len(r.Message) + len(r.RawData) + len(r.Traceback) + len(r.PluginVersion) + len(r.Cause) + len(r.Severity)
	for i := range r.Metrics {
		n += len(r.Metrics[i].Name) + len(r.Metrics[i].Unit)
	}
	for i := range r.Log {
		n += len(r.Log[i].Level) + len(r.Log[i].Message)
	}
	return n
}

func validKey(kind Kind, id string) error {
	if kind == "" || len(kind) > 64 || strings.Trim(string(kind), "abcdefghijklmnopqrstuvwxyz_") != "" {
		return fmt.Errorf("%w: unusable kind %.64q", ErrInvalid, kind)
	}
	if !validText(id) {
		return fmt.Errorf("%w: unusable id %.64q of a %s", ErrInvalid, id, kind)
	}
	return nil
}

func validText(s string) bool {
	return s != "" && len(s) <= MaxID && strings.IndexByte(s, 0) < 0
}

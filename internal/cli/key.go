package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"moonwatch/engine"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

// keyMark is the record that names the key which seals the folder's secrets: a
// folder whose key was lost or mixed up is noticed at once, and not when the
// first alert cannot be sent.
const keyMark = "key"

type keyRecord struct {
	Fingerprint string `json:"fingerprint"`
}

// recordedKey returns the fingerprint of the folder's key, "" when none is recorded.
func recordedKey(ctx context.Context, db *storage.DB) (string, error) {
	r, err := db.Get(ctx, engine.KindMark, keyMark)
	if errors.Is(err, engine.ErrNotFound) {
		return "", nil
	}
	var k keyRecord
	if err == nil {
		err = json.Unmarshal(r.Data, &k)
	}
	if err != nil {
		return "", fmt.Errorf("read which key the folder has: %w", err)
	}
	return k.Fingerprint, nil
}

// recordKey makes a key the folder's own.
func recordKey(ctx context.Context, db *storage.DB, fingerprint string) error {
	data, err := json.Marshal(keyRecord{fingerprint})
	if err != nil {
		return err
	}
	now := time.Now()
	err = db.Apply(ctx, &engine.Batch{ID: fmt.Sprintf("key-%d", now.UnixNano()),
		Puts: []engine.Record{{Kind: engine.KindMark, ID: keyMark, At: now.UTC(), Data: data}}})
	if err != nil {
		return fmt.Errorf("record which key the folder has: %w", err)
	}
	return nil
}

// hasKey reports whether a key is given, or lies in the folder.
func (f dataFlag) hasKey() (bool, error) {
	if f.Key != "" {
		return true, nil
	}
	_, err := os.Stat(f.keyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// openKey opens the folder's key: the one that is recorded, or a new one in a
// folder that has none, or that lost it before anything was sealed.
func (f dataFlag) openKey(ctx context.Context, db *storage.DB) (*seal.Sealer, error) {
	recorded, err := recordedKey(ctx, db)
	if err != nil {
		return nil, err
	}
	there, err := f.hasKey()
	if err != nil {
		return nil, fmt.Errorf("open the key: %w", err)
	}
	if recorded != "" && !there {
		secrets, err := storedSecrets(ctx, db)
		if err != nil {
			return nil, err
		}
		if len(secrets) == 0 { // nothing is lost with it
			recorded = ""
		}
	}
	if recorded != "" && !there {
		return nil, fmt.Errorf("the key is missing: secrets here are sealed with the key %s. %s", recorded, f.wayOut(recorded))
	}
	sealer, err := seal.Open(f.keyFile(), f.Key)
	if err != nil {
		return nil, fmt.Errorf("open the key: %w", err)
	}
	switch recorded {
	case sealer.Fingerprint():
	case "":
		if err := recordKey(ctx, db, sealer.Fingerprint()); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("this is another key: secrets here are sealed with the key %s, and the key given is %s. %s",
			recorded, sealer.Fingerprint(), f.wayOut(recorded))
	}
	return sealer, nil
}

// wayOut says what to do about a key that is missing or another one.
func (f dataFlag) wayOut(fingerprint string) string {
	return fmt.Sprintf("Put the key %s into %s, or give it as MOONWATCH_KEY. If it is lost: moonwatch doctor --new-key --data %s "+
		"goes on with another key, and lists the secrets to be entered again", fingerprint, f.keyFile(), f.Data)
}

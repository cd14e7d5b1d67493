// Puts external account keys into the database of a step-ca that is not running yet.
//
// The open version verifies bindings, but the administration of their keys is not in it
// (authority/admin/api/acme.go: "currently only available in Certificate Manager"). What is written
// here is what its own function would write (acme/db/nosql/eab.go), with a key of our choice.
//
// usage: step-ca-keys DATABASE < lines of key id and base64url MAC key
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// key has the members of dbExternalAccountKey. A provisioner from the configuration file has no id.
type key struct {
	ID            string    `json:"id"`
	ProvisionerID string    `json:"provisionerID"`
	Reference     string    `json:"reference"`
	HmacKey       []byte    `json:"key"`
	CreatedAt     time.Time `json:"createdAt"`
	BoundAt       time.Time `json:"boundAt"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	database, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		return err
	}
	defer database.Close()
	return database.Update(func(change *bbolt.Tx) error {
		table, err := change.CreateBucketIfNotExists([]byte("acme_external_account_keys"))
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			var id, mac string
			if _, err := fmt.Sscan(lines.Text(), &id, &mac); err != nil {
				return err
			}
			secret, err := base64.RawURLEncoding.DecodeString(mac)
			if err != nil {
				return err
			}
			value, err := json.Marshal(key{ID: id, HmacKey: secret, CreatedAt: time.Now()})
			if err != nil {
				return err
			}
			if err := table.Put([]byte(id), value); err != nil {
				return err
			}
		}
		return lines.Err()
	})
}

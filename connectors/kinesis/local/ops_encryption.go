package local

import "context"

const (
	encryptionNone = "NONE"
	encryptionKMS  = "KMS"
)

// encryption is what the API tells of a stream's encryption. There is no KMS here and the records are stored as
// they are: what the service shows of encryption is shown, so that clients which look at it work.
func (d *streamDesc) encryption() (kind, keyID string) {
	if d.KeyID == "" {
		return encryptionNone, ""
	}
	return encryptionKMS, d.KeyID
}

// recordEncryption is the EncryptionType of a put's answer, absent while the stream is not encrypted.
func (d *streamDesc) recordEncryption() string {
	if d.KeyID == "" {
		return ""
	}
	return encryptionKMS
}

func (r *encryptionRequest) check() error {
	v := &validation{}
	v.stream(&r.streamRef)
	if v.required("encryptionType", r.EncryptionType != nil) {
		v.oneOf("encryptionType", r.EncryptionType, encryptionNone, encryptionKMS)
	}
	if v.required("keyId", r.KeyID != nil) {
		v.text("keyId", r.KeyID, 1, 2048, nil)
	}
	if err := v.err(); err != nil {
		return err
	}
	if *r.EncryptionType != encryptionKMS {
		return invalidArgument("EncryptionType must be %s.", encryptionKMS)
	}
	return nil
}

func (s *Server) startEncryption(ctx context.Context, r *encryptionRequest) (*empty, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(_ *stream, desc *streamDesc) error {
		desc.KeyID = *r.KeyID
		return nil
	})
}

// stopEncryption takes any key, and a stream which is not encrypted, as the service does.
func (s *Server) stopEncryption(ctx context.Context, r *encryptionRequest) (*empty, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return &empty{}, s.changeActive(ctx, &r.streamRef, func(_ *stream, desc *streamDesc) error {
		desc.KeyID = ""
		return nil
	})
}

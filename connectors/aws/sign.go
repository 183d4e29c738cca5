package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Signer signs requests to services and gateways that are asked by plain HTTP, with signature version 4. It is safe
// for concurrent use.
type Signer struct {
	session Session
	service string
	now     func() time.Time
	turn    chan struct{} // held while the configuration is loaded, which may ask the network
	cfg     *aws.Config
	signer  *v4.Signer
}

// Signer makes a signer for a service, as "execute-api" or "sagemaker", at an endpoint. It checks the options, and
// looks for credentials at the first signature.
func (s Session) Signer(service, endpoint string, now func() time.Time) (*Signer, error) {
	s.UseLocal(endpoint)
	if _, err := s.credentials(); err != nil {
		return nil, err
	}
	return &Signer{session: s, service: service, now: now, turn: make(chan struct{}, 1), signer: v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = service == "s3"
	})}, nil
}

// Sign adds the headers of a signature to a request with this body. The headers and the URL must not be changed later.
func (s *Signer) Sign(ctx context.Context, r *http.Request, body []byte) error {
	cfg, err := s.config(ctx)
	if err != nil {
		return err
	}
	const what = "signing a request"
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Explain(what, err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := s.signer.SignHTTP(ctx, creds, r, hash, s.service, cfg.Region, s.now()); err != nil {
		return Explain(what, err)
	}
	return nil
}

func (s *Signer) config(ctx context.Context) (*aws.Config, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.cfg == nil {
		cfg, err := s.session.Config(ctx)
		if err != nil {
			return nil, err
		}
		s.cfg = &cfg
	}
	return s.cfg, nil
}

// TrustsAll tells whether any TLS certificate is accepted.
func (s *Session) TrustsAll() bool { return s.trustAllCerts }

// Calls two methods twice each through the gateway, with a retry policy that names RESOURCE_EXHAUSTED, and prints what
// grpc-go makes of each answer: code, message, details, and how long it took. The policy alone would send a call again
// after 10 ms.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const policy = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.01s",
	"maxBackoff": "0.01s", "backoffMultiplier": 1, "retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]}`

type said struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Details []string `json:"details"`
	Ms      int64    `json:"ms"`
}

func main() {
	address := flag.String("address", "", "host:port of the gateway")
	ca := flag.String("ca", "", "PEM file that its certificate is verified with")
	long := flag.String("long", "", "/package.Service/Method with a limit of one an hour")
	short := flag.String("short", "", "/package.Service/Method with a limit of one a second")
	flag.Parse()
	pem, err := os.ReadFile(*ca)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	secure := credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "localhost"})
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(secure), grpc.WithDefaultServiceConfig(policy))
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	for _, method := range []string{*long, *long, *short, *short} {
		started := time.Now()
		bounded, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		call := metadata.AppendToOutgoingContext(bounded, "x-test-client", "grpc-go")
		answered := status.Convert(connection.Invoke(call, method, &emptypb.Empty{}, &emptypb.Empty{}))
		cancel()
		out := said{Code: answered.Code().String(), Message: answered.Message(), Details: []string{}, Ms: time.Since(started).Milliseconds()}
		for _, detail := range answered.Details() {
			switch detail := detail.(type) {
			case *errdetails.RetryInfo:
				out.Details = append(out.Details, fmt.Sprintf("RetryInfo %t", detail.RetryDelay.AsDuration() > 50*time.Minute))
			case *errdetails.QuotaFailure:
				out.Details = append(out.Details, "QuotaFailure "+detail.Violations[0].Subject)
			}
		}
		json.NewEncoder(os.Stdout).Encode(out)
	}
}

// SPDX-License-Identifier: MIT

// An HTTP server at port 8080: each answer is the path that was asked for.
package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(out http.ResponseWriter, request *http.Request) {
		fmt.Fprintln(out, request.URL.Path)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

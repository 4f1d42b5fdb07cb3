package main

import "time"

// options are the flags.
type options struct {
	rounds     int
	seconds    float64
	rates      string
	only       string
	binary     string
	json       string
	profile    string
	million    bool
	checkCount int
	gatus      string
	history    string
}

func (o *options) window() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

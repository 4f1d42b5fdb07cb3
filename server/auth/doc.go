// Package auth finds out who makes a request, and lets people in.
//
// Sessions reads the caller out of a token or a session's cookie, and from where
// the request comes (behind trusted proxies); it opens and closes sessions, makes
// the first admin of a new monitor, and bounds what guessing costs: attempts by
// address and by username, and passwords that are hashed at one time. What is
// refused is a *rest.Problem; ForPages gives the same with errors of the engine.
//
// The package serves no route: package api has those to log in and set up, and
// package web the pages.
package auth

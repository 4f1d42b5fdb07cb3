// Package permit decides who may execute Lua. A Semaphore has as many permits as
// runs may execute at one time. A run acquires its Permit before its first
// instruction, gives it back during every wait, and lets others have it when it
// has executed for a while and somebody waits. Light runs have permits of their own.
// Who waits has a Rank: what has begun goes before what is fresh, and what takes
// little before what takes much, but none starves.
package permit

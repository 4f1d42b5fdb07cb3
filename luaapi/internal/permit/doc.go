// Package permit decides who may execute Lua. A Semaphore has as many permits as
// runs may execute at one time. A run acquires its Permit before its first
// instruction, gives it back during every wait, and lets others have it when it
// has executed for a while and somebody waits. Who waits has a Rank: what takes
// little goes before what takes much, and what has begun before what is fresh, but
// none starves.
package permit

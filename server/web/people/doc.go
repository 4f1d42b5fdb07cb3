// Package people is the pages of users: the list, a user's profile with how and
// when they are reached, what each alert plugin has to know of them, their
// sessions and tokens, and the matrix of who is told of what.
//
// An admin sees and changes everybody; everybody else sees and changes
// themselves, but for their name and role. A secret that is made here is shown
// once.
package people

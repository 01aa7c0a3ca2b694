// For threads and processes that compute: who serves, and any other program that is in
// a hurry, goes before them.
//
// A thread that becomes ready may wait until the one that has the core has had its
// slice, milliseconds at every request where long jobs keep all cores busy. Those who
// wait for slices of a default length are let in at once by one that has asked for a
// long slice, which has the same share of the core in fewer, longer pieces.
//
// Where the kernel does not know that (before Linux 6.12), five steps of `nice` stand
// in. They have a price: a share that is a third of another program's, and wake-ups
// that go to another core more often, 20 µs each.
//
// What is started inherits it, and `nice` cannot be taken back without privileges.
#pragma once

namespace tally {

// Of the calling thread, from now on. Nothing is done if it has a scheduling policy
// of its own.
void give_way();

}  // namespace tally

#ifndef CSTART_H
#define CSTART_H

// A program that this target is linked into starts anew where the limits of the system would end it
// while its libraries are loaded: OpenBLAS makes threads then, and ends the process where it gets
// none. Nothing is to be called. See start.c.

#endif

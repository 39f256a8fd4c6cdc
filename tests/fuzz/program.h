/*
 * What an input of the target `program' is bounded by.
 */
#ifndef SB_FUZZ_PROGRAM_H
#define SB_FUZZ_PROGRAM_H

#define PROGRAM_REQUESTS	8

#endif

/*
 * Calls that must not compile: each has a bounded, checked or reentrant
 * counterpart.  Included last by sb.h.
 */
#ifndef SB_BANNED_H
#define SB_BANNED_H

#ifdef __GNUC__
#undef sprintf		/* with _FORTIFY_SOURCE these are macros for clang */
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll mktemp tmpnam tempnam
#pragma GCC poison rand srand random srandom system popen
#endif

#endif

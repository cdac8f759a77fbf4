/*
 * clock.h - how long something took.
 */
#ifndef XL_CORE_CLOCK_H
#define XL_CORE_CLOCK_H

/* xl_clock - seconds since some moment in the past; never goes back */
double xl_clock(void);

#endif

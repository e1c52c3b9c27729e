/* engine/arm/link.h - the Link header field (RFC 8288), as far as lists use it. */
#ifndef MOONGATE_ARM_LINK_H
#define MOONGATE_ARM_LINK_H

/* The target of the first link whose relation is `next`, as it stands in the field, owned by
 * the caller; NULL when there is none. */
char *link_find_next(const char *field);

#endif

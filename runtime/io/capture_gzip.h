/*
 * Gzip files for the capture reader, by zlib: `options.gzip = pk_capture_gzip()`.
 *
 * In a library of its own (pk_io_gzip), so that only who wants it depends on zlib; a build without
 * zlib does not have this library. Several members one behind the other (as `cat a.gz b.gz` makes
 * them) are one stream, RFC 1952 section 2.2. Damaged or cut data is EBADMSG, whole bytes before it
 * are delivered.
 */
#ifndef PK_IO_CAPTURE_GZIP_H
#define PK_IO_CAPTURE_GZIP_H

#include "io/capture.h"

const pk_capture_codec *pk_capture_gzip(void);

#endif

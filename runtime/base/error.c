#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int pk_error_code_of(int sys_errno)
{
    switch (sys_errno) {
    case 0:
        return PK_OK;
    case ENOMEM:
        return PK_ENOMEM;
    case EPERM:
    case EACCES:
    case EROFS:
        return PK_EPERM;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return PK_ENOENT;
    case EOPNOTSUPP:
    case ENOSYS:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ENOPROTOOPT:
        return PK_EUNSUPPORTED;
    default:
        return PK_EIO;
    }
}

static void append_args(pk_error *err, const char *format, va_list args)
{
    size_t used = strnlen(err->text, sizeof err->text - 1);
    (void)vsnprintf(err->text + used, sizeof err->text - used, format, args);
}

void pk_error_append(pk_error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    append_args(err, format, args);
    va_end(args);
}

int pk_error_set(pk_error *reterr_, int code, const char *format, ...)
{
    if (!reterr_)
        return code;
    reterr_->code = code;
    reterr_->sys_errno = 0;
    reterr_->text[0] = 0;
    va_list args;
    va_start(args, format);
    append_args(reterr_, format, args);
    va_end(args);
    return code;
}

int pk_error_sys(pk_error *reterr_, int sys_errno, const char *format, ...)
{
    int code = pk_error_code_of(sys_errno);
    if (!reterr_)
        return code;
    reterr_->code = code;
    reterr_->sys_errno = sys_errno;
    reterr_->text[0] = 0;
    va_list args;
    va_start(args, format);
    append_args(reterr_, format, args);
    va_end(args);
    pk_error_append(reterr_, ": %s", strerror(sys_errno));
    return code;
}

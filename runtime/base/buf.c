#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *pk_buf_reserve(pk_buf *buf, size_t extra)
{
    if (buf->failed)
        return NULL;
    if (extra > SIZE_MAX / 2 - buf->len - 1) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->len + extra + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap ? buf->cap * 2 : 64;
        if (cap < need)
            cap = need;
        uint8_t *data = realloc(buf->data, cap);
        if (!data) {
            buf->failed = true;
            return NULL;
        }
        buf->data = data;
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void pk_buf_add(pk_buf *buf, const void *bytes, size_t len)
{
    uint8_t *at = pk_buf_reserve(buf, len);
    if (!at)
        return;
    if (len)
        memcpy(at, bytes, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}

void pk_buf_byte(pk_buf *buf, uint8_t byte)
{
    pk_buf_add(buf, &byte, 1);
}

void pk_buf_text(pk_buf *buf, const char *text)
{
    pk_buf_add(buf, text, strlen(text));
}

void pk_buf_zeros(pk_buf *buf, size_t count)
{
    uint8_t *at = pk_buf_reserve(buf, count);
    if (!at)
        return;
    memset(at, 0, count + 1);
    buf->len += count;
}

void pk_buf_printf(pk_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *at = len < 0 ? NULL : pk_buf_reserve(buf, (size_t)len);
    if (!at) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf((char *)at, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void pk_buf_clear(pk_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = 0;
}

void pk_buf_free(pk_buf *buf)
{
    free(buf->data);
    *buf = (pk_buf){0};
}

const char *pk_buf_cstr(const pk_buf *buf)
{
    return buf->data && !buf->failed ? (const char *)buf->data : "";
}

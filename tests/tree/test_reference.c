/* The reference and the diagrams of the hand-made layers of world.h. */
#include "tree/reference.h"

#include "../base/check.h"
#include "tree/diagram.h"
#include "world.h"

static void layer(world *w, const char *name, const char *want)
{
    pk_buf out = {0};

    pk_write_layer(&out, &w->image, pk_reference_find(&w->image, name));
    CHECK_TEXT(pk_buf_cstr(&out), want);
    pk_buf_free(&out);
}

static void field(world *w, const char *name, const char *member, const char *want)
{
    pk_buf out = {0};

    CHECK(pk_write_field(&out, &w->image, pk_reference_find(&w->image, name), member) ==
          (*want != 0));
    CHECK_TEXT(pk_buf_cstr(&out), want);
    pk_buf_free(&out);
}

#define SCALE                                                            \
    "   0                   1                   2                   3\n" \
    "   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n"
#define BORDER "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"

static void a_layer_is_drawn_and_told(void)
{
    world w;

    world_open(&w);
    layer(&w, "hop",
          "hop, HOP (layer)\n"
          "The invented hop protocol\n"
          "declared in net/hop.pkt:9\n\n" SCALE BORDER
          "  |  ver  | flags |     kind      |              len              |\n" BORDER
          "  |              sum              |              src              |\n" BORDER
          "  |              src              |              dst              |\n" BORDER
          "  |              dst              |\n" BORDER
          "  :                           options[]                           :\n" BORDER
          "  :                              pad                              :\n" BORDER
          "  :                            payload                            :\n" BORDER
          "  if flags:\n" BORDER
          "  :                             tail                              :\n" BORDER
          "\nFields\n"
          "  ver           u4                    = 4\n"
          "  flags         u4 as hop_flags       = 0\n"
          "  kind          u8 as hop_kind        = 0\n"
          "                what it carries\n"
          "  len           u16                   = size(this)\n"
          "  sum           u16 as hex            = inet_sum(head)\n"
          "  src           ip4\n"
          "  dst           ip4                   = 127.0.0.1\n"
          "  options       opt[]\n"
          "  pad           bytes\n"
          "  tail          bytes\n"
          "\nDerived\n"
          "  words         = len / 4\n"
          "\nOther names: checksum = sum\n"
          "\nCarries by kind: 6 talk\n");
    layer(&w, "opt.size",
          "opt.size (case)\n\n" SCALE "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
          "  |             size              |\n"
          "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
          "\nFields\n"
          "  size          u16                   = 1460\n"
          "\nSits on opt(kind=2)\n");
    world_close(&w);
}

static void a_field_is_told_with_its_names(void)
{
    world w;

    world_open(&w);
    field(&w, "talk", "flags",
          "talk.flags\n"
          "  flags         u8 as talk_flags      = S\n"
          "  8 bits from bit 32 of the layer (byte 4)\n"
          "\nFlags talk_flags\n"
          "  F                         0x1\n"
          "  S                         0x2\n"
          "  R                         0x4\n"
          "  P                         0x8\n"
          "  A                         0x10\n");
    field(&w, "talk", "code",
          "talk.code\n"
          "  code          u8 as reason[flags]   = 0\n"
          "  8 bits from bit 40 of the layer (byte 5)\n"
          "\nNames reason[1]\n"
          "  lost                      2\n");
    field(&w, "hop", "checksum",
          "hop.checksum, another name of sum\n"
          "  sum           u16 as hex            = inet_sum(head)\n"
          "  16 bits from bit 32 of the layer (byte 4)\n");
    field(&w, "hop", "words", "hop.words\n  = len / 4\n");
    field(&w, "odd", "key",
          "odd.key\n"
          "  key           bytes[4] as padded\n"
          "  written as padded: text filled up with zero bytes to the width of the field\n");
    field(&w, "hop", "nosuch", "");
    CHECK_INT(pk_reference_find(&w.image, "nosuch"), 0);
    CHECK_INT(pk_reference_find(&w.image, "opt.nosuch"), 0);
    CHECK_INT(pk_reference_find(&w.image, "HOP"), pk_reference_find(&w.image, "hop"));
    world_close(&w);
}

static void every_layer_has_a_line(void)
{
    pk_buf out = {0};
    world w;

    world_open(&w);
    pk_write_layers(&out, &w.image);
    CHECK_TEXT(pk_buf_cstr(&out), "hop, HOP                    The invented hop protocol\n"
                                  "talk                        on hop(kind=6)\n"
                                  "odd\n");
    pk_buf_free(&out);
    world_close(&w);
}

int main(void)
{
    a_layer_is_drawn_and_told();
    a_field_is_told_with_its_names();
    every_layer_has_a_line();
    return check_result();
}

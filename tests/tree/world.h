/*
 * A small invented network for the tests of the writers: an image made by hand, and trees made by
 * hand over bytes. The layers, as they would be declared:
 *
 *   enum hop_kind { echo = 1, talk = 6 }    flags hop_flags { MF, DF, evil }
 *   flags talk_flags { F, S, R, P, A }      enum reason[1] { lost = 2 }
 *
 *   layer hop {
 *     ver: u4 = 4; flags: u4 as hop_flags = 0; kind: u8 as hop_kind = 0 "what it carries"
 *     len: u16 = size(this); sum: u16 as hex = inet_sum(head); src: ip4; dst: ip4 = 127.0.0.1
 *     within .. { options: opt[]; pad: bytes }
 *     payload by kind
 *     tail: bytes
 *     alias checksum = sum
 *   }
 *   layer talk on hop(kind=6) { sport: u16 = 20; dport: u16 = 80; flags: u8 as talk_flags = S;
 *     code: u8 as reason[flags] = 0; payload by dport }
 *   layer odd { bits u16le { a: u12 = 0; b: u4 = 0 }; big: u64 = 0; temp: i8 = 0; mac: mac;
 *     var: uleb = 0; name: nm; n: vlen; text: bytes as text; key: bytes as padded; codes: u8[] }
 *   struct opt { kind: u8 = 1; length: u8 = size(this); payload by kind
 *     case nop = 1; case size = 2 { size: u16 = 1460 }; case words = 5 { words: u16[]; n: u8 } }
 *   struct nm as dnsname { data: bytes }
 *   struct vlen { v: u8 = value; let value = v }
 *
 * world_open makes the image; W_field, W_open .. append records at a cursor.
 */
#ifndef PK_TESTS_TREE_WORLD_H
#define PK_TESTS_TREE_WORLD_H

#include "image/builder.h"
#include "tree/writers.h"

typedef struct world {
    pk_image_builder *builder;
    pk_image image;
    pk_tree tree;
    uint32_t at;       /* cursor, bits */
    uint32_t open[32]; /* open records */
    unsigned depth;
} world;

void world_open(world *w);
void world_close(world *w);

/* Begins a tree over these bytes. */
void W_begin(world *w, const void *bytes, uint32_t len, uint32_t wire_len);

/* Opens an instance: flags PK_REC_PAYLOAD, PK_REC_FIELD_OF; fixed fields are passed over. `field`
 * names the field it is the value of, NULL for none. */
void W_open(world *w, const char *layer, uint8_t flags, const char *field);
void W_list(world *w, const char *field);
void W_field(world *w, const char *field, uint32_t bits); /* 0 bits: as declared */
void W_leaf(world *w, pk_rec_kind kind, const char *window, uint32_t bits, uint8_t flags);
void W_end(world *w);

/* The whole of hop/talk/"hi" with options nop, size(1400) and a tail; the bytes are static. */
void world_packet(world *w);
extern const uint8_t world_packet_bytes[38];

#endif

#include "stub/embed.h"

#include <elf.h>
#include <string.h>

/* Where the section and its segment are described in the file. */
typedef struct place {
    Elf64_Ehdr file;
    Elf64_Shdr section;
    Elf64_Phdr segment;
    uint64_t section_at, segment_at; /* offsets of the two headers */
} place;

static int refuse(pk_error *reterr_, const char *why)
{
    return pk_error_set(reterr_, PK_EFORMAT, "this is no program that can carry a probe: %s", why);
}

/* A record of the file, copied out; false when it lies outside. */
static bool take(pk_bytes bytes, uint64_t at, void *ret_record, size_t size)
{
    if (at > bytes.len || size > bytes.len - at)
        return false;
    memcpy(ret_record, bytes.data + at, size);
    return true;
}

static bool is_elf64(const Elf64_Ehdr *file)
{
    return memcmp(file->e_ident, ELFMAG, SELFMAG) == 0 && file->e_ident[EI_CLASS] == ELFCLASS64 &&
           file->e_ident[EI_DATA] == ELFDATA2LSB && file->e_shentsize == sizeof(Elf64_Shdr) &&
           file->e_phentsize == sizeof(Elf64_Phdr);
}

static bool section_at(pk_bytes bytes, const Elf64_Ehdr *file, uint32_t index, uint64_t *ret_at,
                       Elf64_Shdr *ret_section)
{
    if (index >= file->e_shnum || file->e_shoff > bytes.len)
        return false;
    *ret_at = file->e_shoff + (uint64_t)index * sizeof *ret_section;
    return take(bytes, *ret_at, ret_section, sizeof *ret_section);
}

static bool name_is(pk_bytes bytes, const Elf64_Shdr *names, uint32_t name)
{
    char text[sizeof PK_EMBED_SECTION];
    if (names->sh_offset > bytes.len || name > names->sh_size)
        return false;
    return take(bytes, names->sh_offset + name, text, sizeof text) &&
           memcmp(text, PK_EMBED_SECTION, sizeof text) == 0;
}

static bool find_section(pk_bytes bytes, place *where)
{
    Elf64_Shdr names;
    uint64_t at;
    if (!section_at(bytes, &where->file, where->file.e_shstrndx, &at, &names))
        return false;
    for (uint32_t i = 1; i < where->file.e_shnum; i++)
        if (section_at(bytes, &where->file, i, &where->section_at, &where->section) &&
            name_is(bytes, &names, where->section.sh_name))
            return true;
    return false;
}

static int open_file(pk_bytes bytes, place *where, pk_error *reterr_)
{
    if (bytes.len > PK_EMBED_STUB_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "a program of more than %u bytes is not looked into",
                            PK_EMBED_STUB_LIMIT);
    if (!take(bytes, 0, &where->file, sizeof where->file) || !is_elf64(&where->file))
        return refuse(reterr_, "it is not a 64-bit little-endian ELF file");
    if (!find_section(bytes, where))
        return pk_error_set(reterr_, PK_ENOENT, "the program has no section %s", PK_EMBED_SECTION);
    return PK_OK;
}

/* The segment that holds the section and nothing else, above all others. */
static int find_segment(pk_bytes bytes, place *where, pk_error *reterr_)
{
    bool found = false;
    for (uint32_t i = 0; i < where->file.e_phnum; i++) {
        Elf64_Phdr segment;
        uint64_t at = where->file.e_phoff + (uint64_t)i * sizeof segment;
        if (where->file.e_phoff > bytes.len || !take(bytes, at, &segment, sizeof segment))
            return refuse(reterr_, "its program headers are cut");
        if (segment.p_type != PT_LOAD)
            continue;
        if (segment.p_vaddr == where->section.sh_addr) {
            where->segment = segment;
            where->segment_at = at;
            found = true;
        } else if (segment.p_vaddr + segment.p_memsz > where->section.sh_addr) {
            return refuse(reterr_, "something is loaded above the image's section");
        }
    }
    if (!found || where->segment.p_offset != where->section.sh_offset ||
        where->segment.p_filesz != where->section.sh_size || !where->segment.p_align)
        return refuse(reterr_, "the image's section has no segment of its own");
    return PK_OK;
}

/* The kernel wants offset and address to agree modulo the page. */
static uint64_t offset_for(const place *where, size_t file_len)
{
    uint64_t page = where->segment.p_align ? where->segment.p_align : 1;
    uint64_t wanted = where->segment.p_vaddr % page;
    uint64_t over = file_len % page;
    return file_len + (wanted + page - over) % page;
}

int pk_embed(pk_bytes stub, pk_bytes image, pk_buf *out, pk_error *reterr_)
{
    place where = {0};
    int error = open_file(stub, &where, reterr_);
    if (!error)
        error = find_segment(stub, &where, reterr_);
    if (error)
        return error;
    size_t start = out->len;
    uint64_t offset = offset_for(&where, stub.len);
    where.section.sh_offset = where.segment.p_offset = offset;
    where.section.sh_size = image.len;
    where.segment.p_filesz = where.segment.p_memsz = image.len;
    pk_buf_add(out, stub.data, stub.len);
    pk_buf_zeros(out, (size_t)(offset - stub.len));
    pk_buf_add(out, image.data, image.len);
    if (out->failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a probe of %zu bytes",
                            stub.len + image.len);
    memcpy(out->data + start + where.section_at, &where.section, sizeof where.section);
    memcpy(out->data + start + where.segment_at, &where.segment, sizeof where.segment);
    return PK_OK;
}

int pk_embed_find(pk_bytes program, pk_bytes *ret_image, pk_error *reterr_)
{
    place where = {0};
    int error = open_file(program, &where, reterr_);
    if (error)
        return error;
    const Elf64_Shdr *section = &where.section;
    if (section->sh_offset > program.len || section->sh_size > program.len - section->sh_offset)
        return refuse(reterr_, "its image is cut");
    *ret_image = (pk_bytes){program.data + section->sh_offset, (size_t)section->sh_size};
    return PK_OK;
}

//! Messages of Cap'n Proto, written with the freedom that a writer has: every pointer near, far or double far, every
//! struct as long or as short as its version of the schema.

use std::iter;

/// A struct: its words of data and what its pointers lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub data: Vec<u64>,
    pub pointers: Vec<Value>,
}

/// What a pointer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bytes(Vec<u8>),
    Struct(Tree),
    /// Elements are filled up with zeros to the sizes of the list.
    Structs {
        data_words: usize,
        pointer_count: usize,
        elements: Vec<Tree>,
    },
}

/// Where the content of a pointer is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the pointer's own segment.
    Near,
    /// In a segment of its own, behind the pad that leads to it.
    Far,
    /// In a segment of its own, with the pad in a third one.
    DoubleFar,
}

/// More segments than this are not made, so that the limit of the reader is never met.
const SEGMENTS_MAX: usize = 500;

/// Returns a message whose pointers are put at these places in turn; near ones when there are no more.
pub(crate) fn message(root: Tree, places: impl IntoIterator<Item = Place>) -> Vec<u8> {
    let mut writer = Writer { segments: vec![vec![0]], places: places.into_iter().chain(iter::repeat(Place::Near)) };
    writer.put(0, 0, Value::Struct(root));
    let segments = writer.segments;
    let mut bytes = (u32::try_from(segments.len()).unwrap() - 1).to_le_bytes().to_vec();
    for segment in &segments {
        bytes.extend(u32::try_from(segment.len()).unwrap().to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(segments.iter().flatten().flat_map(|word| word.to_le_bytes()));
    bytes
}

struct Writer<P> {
    segments: Vec<Vec<u64>>,
    places: P,
}

impl<P: Iterator<Item = Place>> Writer<P> {
    /// Writes a value and the pointer to it, which stands at word `at` of `segment`.
    fn put(&mut self, segment: usize, at: usize, value: Value) {
        if value == Value::Null {
            return;
        }
        let place = self.places.next().expect("places never end");
        match if self.segments.len() < SEGMENTS_MAX { place } else { Place::Near } {
            Place::Near => {
                let empty = matches!(&value, Value::Struct(tree) if *tree == Tree::default());
                // An empty struct leads to its own pointer, so that it differs from a null pointer.
                let distance = i32::try_from(self.segments[segment].len() - at).unwrap();
                let offset = if empty { -1 } else { distance - 1 };
                self.segments[segment][at] = pointer(offset, &value);
                self.append(segment, value);
            }
            Place::Far => {
                let pad = self.segments.len();
                self.segments.push(vec![pointer(0, &value)]);
                self.segments[segment][at] = far(false, 0, pad);
                self.append(pad, value);
            }
            Place::DoubleFar => {
                let pad = self.segments.len();
                // The pad does not stand at the front, so that its place matters.
                self.segments.push(vec![u64::MAX, far(false, 0, pad + 1), pointer(0, &value)]);
                self.segments.push(Vec::new());
                self.segments[segment][at] = far(true, 1, pad);
                self.append(pad + 1, value);
            }
        }
    }

    /// Appends the content of a value to a segment, and then what it leads to.
    fn append(&mut self, segment: usize, value: Value) {
        match value {
            Value::Null => {}
            Value::Bytes(bytes) => {
                let words = bytes.chunks(8).map(|chunk| {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    u64::from_le_bytes(word)
                });
                self.segments[segment].extend(words);
            }
            Value::Struct(tree) => {
                let sizes = (tree.data.len(), tree.pointers.len());
                self.append_structs(segment, sizes, vec![tree]);
            }
            Value::Structs { data_words, pointer_count, elements } => {
                let count = i32::try_from(elements.len()).unwrap();
                self.segments[segment].push(structure(count, data_words, pointer_count));
                self.append_structs(segment, (data_words, pointer_count), elements);
            }
        }
    }

    fn append_structs(&mut self, segment: usize, (data_words, pointer_count): (usize, usize), trees: Vec<Tree>) {
        let start = self.segments[segment].len();
        let size = data_words + pointer_count;
        self.segments[segment].resize(start + size * trees.len(), 0);
        for (number, tree) in trees.into_iter().enumerate() {
            let data_at = start + number * size;
            self.segments[segment][data_at..data_at + tree.data.len()].copy_from_slice(&tree.data);
            for (index, value) in tree.pointers.into_iter().enumerate() {
                self.put(segment, data_at + data_words + index, value);
            }
        }
    }
}

/// The pointer to a value whose content begins `offset` words after the pointer's end.
fn pointer(offset: i32, value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Bytes(bytes) => list(offset, 2, bytes.len()),
        Value::Struct(tree) => structure(offset, tree.data.len(), tree.pointers.len()),
        Value::Structs { data_words, pointer_count, elements } => {
            list(offset, 7, (data_words + pointer_count) * elements.len())
        }
    }
}

fn structure(offset: i32, data_words: usize, pointers: usize) -> u64 {
    let sizes = u32::try_from(data_words | pointers << 16).unwrap();
    u64::from((offset << 2).cast_unsigned()) | u64::from(sizes) << 32
}

fn list(offset: i32, element_size: u32, count: usize) -> u64 {
    let count = u32::try_from(count).unwrap();
    u64::from((offset << 2).cast_unsigned() | 1) | u64::from(count << 3 | element_size) << 32
}

fn far(double: bool, pad_word: u32, segment: usize) -> u64 {
    let segment = u32::try_from(segment).unwrap();
    u64::from(pad_word << 3 | u32::from(double) << 2 | 2) | u64::from(segment) << 32
}

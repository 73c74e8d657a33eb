//! The fixed chain of fonts: the same on every device, whatever else is installed.
//!
//! Files are mapped, not read, so a font that no text needs costs address space and no memory.
//! Noto draws what people usually write; Hanazono has the ideographs of extensions A to F, which
//! stand in some 60 million names.

use std::path::{Path, PathBuf};

use slint::fontique_011::fontique::{
    Attributes, Collection, GenericFamily, QueryFamily, QueryStatus, SourceCache,
};

/// Where Debian puts fonts.
pub const ROOT: &str = "/usr/share/fonts";

/// One family of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// As the font calls itself.
    pub name: &'static str,
    /// Below the font folder.
    pub files: &'static [&'static str],
    /// The Debian package with these files.
    pub package: &'static str,
    /// Whether the screen works without it; rare characters are missing then.
    pub required: bool,
}

/// Each character is drawn by the first family that has it.
pub const CHAIN: [Family; 3] = [
    Family {
        name: "Noto Sans CJK SC",
        files: &["opentype/noto/NotoSansCJK-Regular.ttc", "opentype/noto/NotoSansCJK-Bold.ttc"],
        package: "fonts-noto-cjk",
        required: true,
    },
    Family {
        name: "HanaMinA",
        files: &["truetype/hanazono/HanaMinA.ttf"],
        package: "fonts-hanazono",
        required: false,
    },
    Family {
        name: "HanaMinB",
        files: &["truetype/hanazono/HanaMinB.ttf"],
        package: "fonts-hanazono",
        required: false,
    },
];

/// Why text cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// A file of a required family is not there.
    #[error("font {}: install {package}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The Debian package.
        package: &'static str,
    },
    /// A file is there but does not hold the family.
    #[error("{} holds no family {name}", .path.display())]
    Family {
        /// The file.
        path: PathBuf,
        /// The family.
        name: &'static str,
    },
}

/// The chain as this thread's screen draws with it.
pub struct Fonts {
    collection: Collection,
    cache: SourceCache,
    names: Vec<&'static str>,
}

impl Fonts {
    /// Makes the chain below the font folder `root` the only fonts of this thread's screen. Call it
    /// after [`Screen::open`](crate::Screen::open) and before the first component.
    pub fn install(root: &Path) -> Result<Self, FontError> {
        let mut collection = slint::fontique_011::shared_collection();
        let mut ids = Vec::new();
        let mut names = Vec::new();
        for family in &CHAIN {
            let paths: Vec<PathBuf> = family.files.iter().map(|file| root.join(file)).collect();
            if let Some(path) = paths.iter().find(|path| !path.is_file()) {
                if family.required {
                    let (path, package) = (path.clone(), family.package);
                    return Err(FontError::Missing { path, package });
                }
                tracing::warn!("{}: rare characters may be missing", path.display());
                continue;
            }
            collection.load_fonts_from_paths(&paths);
            let id = collection.family_id(family.name);
            let missing = || FontError::Family { path: paths[0].clone(), name: family.name };
            ids.push(id.ok_or_else(missing)?);
            names.push(family.name);
        }
        for generic in
            [GenericFamily::SansSerif, GenericFamily::SystemUi, GenericFamily::UiSansSerif]
        {
            collection.set_generic_families(generic, ids.iter().copied());
        }
        Ok(Self { collection, cache: SourceCache::default(), names })
    }

    /// Which family draws `character`; `None` when none can, and a box would stand there.
    pub fn family_of(&mut self, character: char) -> Option<&'static str> {
        let Self { collection, cache, names } = self;
        names.iter().copied().find(|name| {
            let mut query = collection.query(cache);
            query.set_families([QueryFamily::Named(name)]);
            query.set_attributes(Attributes::default());
            let mut has = false;
            query.matches_with(|font| {
                let glyph = font.charmap().and_then(|charmap| charmap.map(character));
                has = glyph.is_some_and(|glyph| glyph != 0);
                QueryStatus::Stop
            });
            has
        })
    }

    /// The characters of `text` that cannot be drawn, in order.
    pub fn missing(&mut self, text: &str) -> Vec<char> {
        text.chars().filter(|character| self.family_of(*character).is_none()).collect()
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fonts").field("names", &self.names).finish_non_exhaustive()
    }
}

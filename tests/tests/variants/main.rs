//! The ways in which MySQL may write its binary log, one file each: through connector and sink to another MySQL, compared by bytes;
//! or refused with the cause.

mod lenient;
mod one_way;

mod compression;
mod crash;
mod encrypted;
mod engines;
mod file_position;
mod partial_json;
mod rotation;
mod row_images;
mod special_tables;
mod statements;
mod tagged_gtids;
mod xa;

use one_way::OneWay;

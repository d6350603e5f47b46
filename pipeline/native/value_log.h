// Values and the numbers of their groups, kept until all of them are known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "temporary_file.h"

namespace pipeline {

// In memory up to a budget, then in a temporary file, in blocks of values of a partition of the groups.
class ValueLog {
public:
    ValueLog(size_t budget_bytes, std::string directory)
        : budget_(budget_bytes / (sizeof(uint32_t) + sizeof(double))), directory_(std::move(directory)) {
        in_memory_.reserve(std::min(budget_, kReserved));  // takes memory where it is written to
    }

    void add(uint32_t group, double value) {
        if (file_ == nullptr) {
            if (in_memory_.values.size() < budget_) {
                in_memory_.add(group, value);
                return;
            }
            move_to_file();
        }
        append(group, value);
    }

    // Gives its memory back, but for that of open blocks.
    void move_to_file() {
        if (file_ != nullptr) return;
        file_ = std::make_unique<TemporaryFile>(directory_);
        written_.resize(kPartitions);
        open_.resize(kPartitions);
        for (size_t at = 0; at < in_memory_.values.size(); ++at) append(in_memory_.groups[at], in_memory_.values[at]);
        in_memory_ = Block();
    }

    // Forgets all values, and gives their memory back.
    void clear() {
        file_.reset();
        in_memory_ = Block();
        written_ = {};
        open_ = {};
    }

    size_t partitions() const { return file_ == nullptr ? 1 : kPartitions; }
    size_t partition_of(uint32_t group) const { return file_ == nullptr ? 0 : group % kPartitions; }

    // Calls back with the groups and the values of a partition, span by span; as often as it is called. Several threads
    // may do so, when no value is added any more.
    template <class Visit>
    void visit(size_t partition, Visit visit) const {
        const Block& rest = file_ == nullptr ? in_memory_ : open_[partition];
        if (file_ != nullptr) {
            std::vector<uint32_t> groups(kBlockValues);
            std::vector<double> values(kBlockValues);
            for (const Written& block : written_[partition]) {
                file_->read(block.offset, values.data(), kBlockValues * sizeof(double));
                if (block.group == kSeveral)
                    file_->read(block.offset + static_cast<int64_t>(kBlockValues * sizeof(double)), groups.data(),
                                kBlockValues * sizeof(uint32_t));
                else
                    groups.assign(kBlockValues, block.group);
                visit(groups.data(), values.data(), kBlockValues);
            }
        }
        visit(rest.groups.data(), rest.values.data(), rest.values.size());
    }

private:
    static constexpr size_t kReserved = 4'000'000;
    static constexpr size_t kPartitions = 256;
    static constexpr size_t kBlockValues = 2048;
    static constexpr uint32_t kSeveral = UINT32_MAX;  // no group has this number

    struct Block {
        std::vector<uint32_t> groups;
        std::vector<double> values;
        bool is_mixed = false;

        void reserve(size_t size) {
            groups.reserve(size);
            values.reserve(size);
        }
        void add(uint32_t group, double value) {
            is_mixed |= !groups.empty() && groups.back() != group;
            groups.push_back(group);
            values.push_back(value);
        }
        void clear() {
            groups.clear();
            values.clear();
            is_mixed = false;
        }
    };
    // A block in the file: its values, and behind them their groups if they are not all the same.
    struct Written {
        int64_t offset;
        uint32_t group;
    };

    void append(uint32_t group, double value) {
        const size_t partition = group % kPartitions;
        Block& block = open_[partition];
        if (block.values.capacity() == 0) block.reserve(kBlockValues);
        block.add(group, value);
        if (block.values.size() < kBlockValues) return;
        written_[partition].push_back({file_->size(), block.is_mixed ? kSeveral : group});
        file_->append(block.values.data(), kBlockValues * sizeof(double));
        if (block.is_mixed) file_->append(block.groups.data(), kBlockValues * sizeof(uint32_t));
        block.clear();
    }

    size_t budget_;
    std::string directory_;
    Block in_memory_;
    std::unique_ptr<TemporaryFile> file_;
    std::vector<std::vector<Written>> written_;
    std::vector<Block> open_;
};

}  // namespace pipeline
